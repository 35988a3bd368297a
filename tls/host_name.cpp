#include "tls/host_name.hpp"

#include <algorithm>

namespace ringfort::tls {

namespace {

constexpr bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

constexpr char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

constexpr bool is_of_label(char letter) noexcept {
  return (letter >= 'a' && letter <= 'z') || is_digit(letter) || letter == '-' || letter == '_';
}

/// `label` is lower case.
bool is_label(std::string_view label) noexcept {
  constexpr std::size_t label_bytes_max = 63;
  return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, is_of_label);
}

} // namespace

HostName::HostName(std::string_view text) noexcept {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > bytes_max || text.ends_with('.')) return;
  char* const begin = text_.data();
  std::ranges::transform(text, begin, lower);
  std::string_view rest(begin, text.size());
  std::string_view label;
  do {
    label = rest.substr(0, rest.find('.'));
    if (!is_label(label)) return;
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  } while (!rest.empty());
  // No top-level domain is all digits, so this is an address (RFC 3696 section 2).
  if (std::ranges::all_of(label, is_digit)) return;
  bytes_ = text.size();
}

std::string_view HostName::as_wildcard() noexcept {
  const std::size_t dot = text().find('.');
  if (dot == std::string_view::npos) return {};
  // "*" lands right before the first dot: at least one byte of the label was there.
  char* const star = text_.data() + dot - 1;
  *star = '*';
  return {star, bytes_ - dot + 1};
}

std::string normalised_pattern(std::string_view pattern) {
  constexpr std::string_view any_label = "*.";
  const bool wild = pattern.starts_with(any_label);
  const HostName host(wild ? pattern.substr(any_label.size()) : pattern);
  if (!host) return {};
  return std::string(wild ? any_label : std::string_view()).append(host.text());
}

} // namespace ringfort::tls
