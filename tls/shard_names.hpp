// shard_names — one shard's working set of a LiveNames: contexts built when a client first asks for
// them, and kept while they are asked for.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <ringfort/error.hpp>
#include <ringfort/names.hpp>

#include "tls/live_names.hpp"
#include "tls/shard_context.hpp"

namespace ringfort::tls {

/// A handshake may outlive its context's place here.
using SharedContext = std::shared_ptr<const ShardContext>;

/// Where: one shard.
class ShardNames {
public:
  /// Contexts that are kept at most; each takes about 20 KB. The one that was asked for longest ago
  /// goes first.
  static constexpr std::size_t contexts_max = 1'024;

  /// Builds the default context, so that what is wrong with it is known at once.
  /// Borrow: `library` for the object's life. Errors: as ShardContext::create.
  static Result<std::unique_ptr<ShardNames>> create(const Library& library, LiveNames names);

  /// Takes the current generation for what is asked next. Cost: one load when nothing changed.
  void refresh();
  /// Counts a connection under the generation taken last.
  GenerationLease lease() const noexcept { return GenerationLease(snapshot_.count); }
  const NameChooser& chooser() const noexcept { return snapshot_.names->chooser(); }

  /// Whether a name as a client sent it has a context of its own, and not the default alone.
  bool serves(std::string_view name) const noexcept {
    return snapshot_.names->find(name).entry != nullptr;
  }
  /// The context for a name as a client sent it; empty: it sent none.
  /// Errors: tls_handshake.unknown_name, tls_handshake.choice_failed, tls_context.*.
  /// Cost:   at first use of a name, the time to parse its certificates and key, about 1 ms.
  Result<SharedContext> find(std::string_view name);
  Result<SharedContext> fallback();
  /// A context that a chooser gave for a name.
  Result<SharedContext> use(std::string_view name, Context context);

  std::size_t built_count() const noexcept { return built_.size(); }

private:
  struct Built {
    std::string pattern;
    Names::Entry entry;
    SharedContext context;
  };
  using Order = std::list<Built>; ///< most recently asked for first

  ShardNames(const Library& library, LiveNames names);

  Result<SharedContext> context_of(std::string_view pattern, const Names::Entry& entry);
  void forget(Order::iterator built);

  const Library& library_;
  LiveNames names_;
  LiveNames::State::Snapshot snapshot_;
  Order built_;
  std::unordered_map<std::string_view, Order::iterator> by_pattern_; ///< keys lie in built_
};

} // namespace ringfort::tls
