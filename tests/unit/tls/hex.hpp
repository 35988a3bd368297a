// hex — test vectors as the RFCs print them.
#pragma once

#include <charconv>
#include <string_view>
#include <vector>

#include <ringfort/bytes.hpp>

namespace ringfort::tls {

/// Digits in pairs, spaces anywhere.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] == ' ') continue;
    unsigned value = 0;
    std::from_chars(text.data() + at, text.data() + at + 2, value, 16);
    bytes.push_back(static_cast<std::byte>(value));
    ++at;
  }
  return bytes;
}

inline bool same_bytes(Bytes one, Bytes other) { return text_of(one) == text_of(other); }

} // namespace ringfort::tls
