#include "cli/percent.hpp"

#include <charconv>

namespace ringfort::cli {

std::optional<std::string> decoded_path(std::string_view target) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (!path.starts_with('/')) return {};
  std::string decoded;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] != '%') {
      decoded.push_back(path[at]);
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = path.substr(at + 1, 2);
    const auto end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, value, 16);
    if (digits.size() != 2 || parsed.ec != std::errc{} || parsed.ptr != end) return {};
    if (value == 0) return {};
    decoded.push_back(static_cast<char>(value));
    at += 2;
  }
  return decoded;
}

} // namespace ringfort::cli
