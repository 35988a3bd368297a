#include "cli/host_and_port.hpp"

#include <algorithm>

#include "cli/values.hpp"

namespace ringfort::cli {

std::string_view without_brackets(std::string_view host) noexcept {
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  const auto port = parse_count(text);
  if (!port || *port == 0 || *port > 65'535) return {};
  return static_cast<std::uint16_t>(*port);
}

bool is_host_name(std::string_view text) noexcept {
  const auto belongs = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_';
  };
  return !text.empty() && std::ranges::all_of(text, belongs);
}

std::optional<Endpoint> parse_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return {};
  const std::string_view written = text.substr(0, colon);
  const std::string_view host = without_brackets(written);
  const auto port = parse_port(text.substr(colon + 1));
  const bool bracketed = host.size() < written.size();
  if (!port || (!bracketed && !is_host_name(host))) return {};
  return Endpoint{.host = std::string(host), .port = *port};
}

std::string one_spelling(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

} // namespace ringfort::cli
