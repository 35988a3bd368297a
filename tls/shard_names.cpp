#include "tls/shard_names.hpp"

#include <utility>

#include "tls/host_name.hpp"

namespace ringfort::tls {

namespace {

/// The caller's function may throw; nothing below it does.
Result<Context> make_context(const Names::Entry& entry, std::string_view pattern) {
  if (entry.context) return *entry.context;
  try {
    return (*entry.source)(pattern);
  } catch (...) {
    return fail(Code::tls_handshake_choice_failed);
  }
}

} // namespace

ShardNames::ShardNames(const Library& library, LiveNames names)
    : library_(library), names_(std::move(names)), snapshot_(names_.state().snapshot()) {}

Result<std::unique_ptr<ShardNames>> ShardNames::create(const Library& library, LiveNames names) {
  std::unique_ptr<ShardNames> shard_names(new ShardNames(library, std::move(names)));
  if (shard_names->snapshot_.names->fallback()) {
    if (auto built = shard_names->fallback(); !built) return std::unexpected(built.error());
  }
  return shard_names;
}

// What is no longer served is dropped here; the rest stays built.
void ShardNames::refresh() {
  if (snapshot_.count->number == names_.generation()) return;
  snapshot_ = names_.state().snapshot();
  const Names& names = *snapshot_.names;
  for (auto built = built_.begin(); built != built_.end();) {
    const auto current = built++;
    if (current->pattern.empty()) continue; // fallback() compares it.
    const Names::Entry* entry = names.entry_of(current->pattern);
    if (entry == nullptr || *entry != current->entry) forget(current);
  }
}

Result<SharedContext> ShardNames::find(std::string_view name) {
  const Names::Match match = snapshot_.names->find(name);
  return match.entry == nullptr ? fallback() : context_of(match.pattern, *match.entry);
}

Result<SharedContext> ShardNames::fallback() {
  const auto& context = snapshot_.names->fallback();
  if (!context) return fail(Code::tls_handshake_unknown_name);
  return context_of({}, {.context = *context, .source = {}});
}

Result<SharedContext> ShardNames::use(std::string_view name, Context context) {
  const HostName host(name);
  return context_of(host ? host.text() : name, {.context = std::move(context), .source = {}});
}

Result<SharedContext> ShardNames::context_of(std::string_view pattern, const Names::Entry& entry) {
  if (const auto found = by_pattern_.find(pattern); found != by_pattern_.end()) {
    built_.splice(built_.begin(), built_, found->second);
    if (found->second->entry == entry) return found->second->context;
    forget(found->second);
  }
  const auto context = make_context(entry, pattern);
  if (!context) return std::unexpected(context.error());
  auto built = ShardContext::create(library_, *context, pattern);
  if (!built) return std::unexpected(built.error());
  if (built_.size() == contexts_max) forget(std::prev(built_.end()));
  built_.push_front({std::string(pattern), entry, std::move(*built)});
  by_pattern_.emplace(built_.front().pattern, built_.begin());
  return built_.front().context;
}

void ShardNames::forget(Order::iterator built) {
  by_pattern_.erase(built->pattern);
  built_.erase(built);
}

} // namespace ringfort::tls
