// pattern — body bytes that both ends can make from a number, so that every answer is checked byte
// by byte without anybody keeping it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/prng.hpp"

namespace ringfort::sim {

inline char pattern_at(std::uint64_t seed, std::uint64_t position) noexcept {
  const std::uint64_t word = Prng::mix(seed * 0x9e3779b97f4a7c15u + position / 8);
  return static_cast<char>(word >> (8 * (position % 8)));
}

inline std::string pattern(std::uint64_t seed, std::uint64_t first, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& byte : text) byte = pattern_at(seed, first++);
  return text;
}

/// FNV-1a, in steps: start with `checksum_start`.
inline constexpr std::uint64_t checksum_start = 0xcbf29ce484222325u;
inline std::uint64_t checksum(std::uint64_t sum, std::string_view text) noexcept {
  for (const char byte : text) {
    sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }
  return sum;
}

} // namespace ringfort::sim
