// list_reader — the members of a comma-separated field value (RFC 9110 section 5.6.1), where no
// member holds a quoted comma.
#pragma once

#include <algorithm>
#include <string_view>

#include <ringfort/message.hpp>

namespace ringfort::http {

constexpr bool is_blank(char letter) noexcept { return letter == ' ' || letter == '\t'; }

constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// What stands before the first `mark`, without whitespace around it; it is taken from `rest` with
/// the mark.
constexpr std::string_view take_until(std::string_view& rest, char mark) noexcept {
  const std::string_view taken = rest.substr(0, rest.find(mark));
  rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
  return trimmed(taken);
}

/// Whether a list has this member, in letters of either case.
inline bool has_member(std::string_view list, std::string_view member) noexcept {
  while (!list.empty()) {
    if (same_name(take_until(list, ','), member)) return true;
  }
  return false;
}

} // namespace ringfort::http
