// lines — an input as lines of text, one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ringfort::fuzz {

inline std::string_view take_line(std::string_view& rest) noexcept {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(take_line(text));
  return lines;
}

/// The input without its first byte, which chooses how it is tried.
inline std::string_view text_after_choice(const std::uint8_t* data, std::size_t bytes) noexcept {
  return {reinterpret_cast<const char*>(data) + 1, bytes - 1};
}

} // namespace ringfort::fuzz
