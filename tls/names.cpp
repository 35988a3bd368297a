// The map from names to contexts: patterns in one normal form, and the look-up of a name.
#include <ringfort/names.hpp>

#include <utility>

#include "tls/host_name.hpp"

namespace ringfort::tls {

bool operator==(const Names::Entry& one, const Names::Entry& other) noexcept {
  if (one.context.has_value() != other.context.has_value()) return false;
  if (one.context) return &one.context->description() == &other.context->description();
  return one.source == other.source;
}

Result<> Names::set(std::string_view pattern, Context context) {
  return set_entry(pattern, {.context = std::move(context), .source = {}});
}

Result<> Names::set(std::string_view pattern, std::shared_ptr<const ContextSource> source) {
  return set_entry(pattern, {.context = {}, .source = std::move(source)});
}

Result<> Names::set_entry(std::string_view pattern, Entry entry) {
  std::string name = normalised_pattern(pattern);
  if (name.empty()) return fail(Code::tls_context_bad_name);
  entries_.insert_or_assign(std::move(name), std::move(entry));
  return {};
}

bool Names::remove(std::string_view pattern) {
  return entries_.erase(normalised_pattern(pattern)) == 1;
}

const Names::Entry* Names::entry_of(std::string_view pattern) const noexcept {
  const auto found = entries_.find(pattern);
  return found == entries_.end() ? nullptr : &found->second;
}

Names::Match Names::find(std::string_view name) const noexcept {
  if (entries_.empty()) return {};
  HostName host(name);
  if (!host) return {};
  auto found = entries_.find(host.text());
  if (found == entries_.end()) found = entries_.find(host.as_wildcard());
  if (found == entries_.end()) return {};
  return {.pattern = found->first, .entry = &found->second};
}

} // namespace ringfort::tls
