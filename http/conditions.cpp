#include "http/conditions.hpp"

#include <algorithm>
#include <optional>

#include "http/date.hpp"
#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

struct EntityTag {
  std::string_view opaque; ///< with its quotes
  bool weak = false;
};

/// The first tag, which is taken from `rest`; nothing when there is none.
std::optional<EntityTag> take_tag(std::string_view& rest) noexcept {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
  EntityTag tag{.opaque = {}, .weak = rest.starts_with("W/")};
  if (tag.weak) rest.remove_prefix(2);
  if (!rest.starts_with('"')) return {};
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) return {};
  tag.opaque = rest.substr(0, end + 1);
  rest.remove_prefix(end + 1);
  return tag;
}

enum class Comparison { strong, weak }; // Section 8.8.3.2.

bool same(const EntityTag& one, const EntityTag& other, Comparison comparison) noexcept {
  const bool comparable = comparison == Comparison::weak || (!one.weak && !other.weak);
  return comparable && one.opaque == other.opaque;
}

/// Whether a field of this name, on one line or several, is "*" or lists the current tag.
bool lists(Fields fields, std::string_view name, std::string_view entity_tag,
           Comparison comparison) noexcept {
  const auto current = take_tag(entity_tag);
  return std::ranges::any_of(fields, [&](const Field& field) {
    if (!same_name(field.name, name)) return false;
    if (trimmed(field.value) == "*") return true;
    std::string_view rest = field.value;
    while (const auto tag = take_tag(rest)) {
      if (current && same(*tag, *current, comparison)) return true;
    }
    return false;
  });
}

std::optional<std::int64_t> date_field(Fields fields, std::string_view name,
                                       std::int64_t now) noexcept {
  const auto value = fields.find(name);
  return value ? parse_date(trimmed(*value), now) : std::nullopt;
}

} // namespace

Precondition evaluate(Method method, Fields fields, const Validators& current) noexcept {
  if (fields.find("if-match")) {
    if (!lists(fields, "if-match", current.entity_tag, Comparison::strong)) {
      return Precondition::failed;
    }
  } else if (const auto date = date_field(fields, "if-unmodified-since", current.now)) {
    if (current.last_modified > *date) return Precondition::failed;
  }
  const bool reads = method == Method::get || method == Method::head;
  if (fields.find("if-none-match")) {
    if (!lists(fields, "if-none-match", current.entity_tag, Comparison::weak)) {
      return Precondition::holds;
    }
    return reads ? Precondition::not_modified : Precondition::failed;
  }
  if (!reads) return Precondition::holds;
  const auto date = date_field(fields, "if-modified-since", current.now);
  return date && current.last_modified <= *date ? Precondition::not_modified : Precondition::holds;
}

bool range_applies(Fields fields, const Validators& current) noexcept {
  const auto value = fields.find("if-range");
  if (!value) return true;
  std::string_view rest = trimmed(*value);
  std::string_view own = current.entity_tag;
  if (rest.starts_with('"') || rest.starts_with("W/")) {
    const auto tag = take_tag(rest);
    const auto current_tag = take_tag(own);
    return tag && current_tag && rest.empty() && same(*tag, *current_tag, Comparison::strong);
  }
  const auto date = parse_date(rest, current.now);
  return date == current.last_modified && current.last_modified < current.now;
}

} // namespace ringfort::http
