// names — which context serves which server name (SNI, RFC 6066 section 3), and how that is
// replaced while connections live.
//
// A client is answered by the exact name, else by the wildcard of one label ("*.example.org"), else
// by the default, else it is refused with the alert unrecognized_name. Names are compared in lower
// case and without a final dot.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

namespace ringfort {
class Shard;
}

namespace ringfort::tls {

/// Makes a name's context when a client first asks for it, with the pattern it was set under.
/// It may be called again when the context was pushed out of a shard's cache.
/// Where: a shard's thread, which it holds up; several shards may call at the same time.
using ContextSource = std::function<Result<Context>(std::string_view pattern)>;

/// What a NameChooser decided.
struct NameChoice {
  enum class Kind : std::uint8_t { context, look_up, fallback, refuse };

  static NameChoice use(Context context) { return {Kind::context, std::move(context)}; }
  /// What Names says of this name, as if there were no chooser.
  static NameChoice look_up() { return {Kind::look_up, {}}; }
  static NameChoice use_default() { return {Kind::fallback, {}}; }
  /// The alert unrecognized_name.
  static NameChoice refuse() { return {Kind::refuse, {}}; }

  Kind kind;
  std::optional<Context> context;
};

/// A client's question. A copy may outlive the client: an answer that comes too late is dropped.
class NameQuery {
public:
  NameQuery(std::string name, Shard& shard, std::uint64_t connection)
      : name_(std::move(name)), shard_(&shard), connection_(connection) {}

  /// Exactly as the client sent it. Never empty: a client without a name gets the default.
  const std::string& name() const noexcept { return name_; }

  /// For a chooser that did not decide at once: the first answer counts. Where: any thread, while
  /// the engine lives.
  void answer(NameChoice choice) const;

private:
  std::string name_;
  Shard* shard_;
  std::uint64_t connection_;
};

/// Decides for each client that sends a name: at once, or, when it returns nothing, by
/// NameQuery::answer() before the handshake's deadline. An exception refuses the handshake.
/// Where: a shard's thread, which it must not block; several shards may call at the same time.
using NameChooser = std::function<std::optional<NameChoice>(const NameQuery&)>;

/// The whole map, as a value: fill it, then publish it.
class Names {
public:
  Names() = default;

  /// For clients that send no name, and for names that nothing matches.
  void set_default(Context context) { fallback_ = std::move(context); }
  void refuse_unknown() { fallback_.reset(); }
  const std::optional<Context>& fallback() const noexcept { return fallback_; }

  /// Serves `pattern`, a host name or "*." and one; whatever served it before is replaced.
  /// Errors: tls_context.bad_name.
  Result<> set(std::string_view pattern, Context context);
  /// The same, made at first use. Many names may share one source.
  Result<> set(std::string_view pattern, std::shared_ptr<const ContextSource> source);
  /// False when nothing served it.
  bool remove(std::string_view pattern);

  void set_chooser(NameChooser chooser) { chooser_ = std::move(chooser); }
  const NameChooser& chooser() const noexcept { return chooser_; }

  std::size_t count() const noexcept { return entries_.size(); }

  /// Who serves a pattern: a context, or the source of one.
  struct Entry {
    std::optional<Context> context;
    std::shared_ptr<const ContextSource> source;

    friend bool operator==(const Entry&, const Entry&) noexcept;
  };
  struct Match {
    std::string_view pattern; ///< empty: the default
    const Entry* entry = nullptr;
  };
  /// What answers `name`, as a client sent it; no entry: the default, if there is one.
  /// Borrow: until the map is changed. Cost: two look-ups by hash, whatever count() is.
  Match find(std::string_view name) const noexcept;
  /// The entry set under exactly this pattern; null when there is none.
  const Entry* entry_of(std::string_view pattern) const noexcept;

private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  Result<> set_entry(std::string_view pattern, Entry entry);

  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
  std::optional<Context> fallback_;
  NameChooser chooser_;
};

/// What live listeners serve now: each change makes a generation. A handshake takes the one that is
/// current when its hello has arrived; a connection keeps it to its end.
/// Where: any thread; the copies are one object.
class LiveNames {
public:
  explicit LiveNames(Names first);
  /// One context for every name.
  LiveNames(Context context); // NOLINT(google-explicit-constructor): a context is enough.

  /// Replaces everything, for the handshakes that follow. Answers the new generation's number.
  std::uint64_t publish(Names next);
  /// Replaces one name's context, and nothing else. Cost: a copy of the map.
  /// Errors: tls_context.bad_name.
  Result<std::uint64_t> replace(std::string_view pattern, Context context);
  std::uint64_t replace_default(Context context);

  /// A copy of the current map.
  Names names() const;
  /// The current generation, from 1.
  std::uint64_t generation() const noexcept;

  struct Generation {
    std::uint64_t number;
    std::uint64_t connections; ///< that shook hands under it and are still there
  };
  /// Those that have connections, and the current one; oldest first.
  std::vector<Generation> generations() const;

  struct State; ///< known to the engine only
  State& state() const noexcept { return *state_; }

private:
  std::shared_ptr<State> state_;
};

} // namespace ringfort::tls
