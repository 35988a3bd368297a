// letters — which bytes may stand where: one table for names, values and hosts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace ringfort::http {

/// What a byte may be part of; kinds are bits.
enum Letter : std::uint8_t {
  token_letter = 1,   ///< a token (RFC 9110 section 5.6.2)
  content_letter = 2, ///< field content (section 5.5): no control byte but the tab
  host_letter = 4,    ///< a registered name (RFC 3986 section 3.2.2)
  digit_letter = 8,
  visible_letter = 16, ///< VCHAR (RFC 5234): ASCII without space and control bytes
};

inline constexpr std::array<std::uint8_t, 256> letters = [] {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&table](std::string_view some, Letter kind) {
    for (const char letter : some) table[static_cast<unsigned char>(letter)] |= kind;
  };
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') table[byte] |= content_letter;
    if (byte > 0x20 && byte < 0x7f) table[byte] |= visible_letter;
    const bool alphabetic = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool digit = byte >= '0' && byte <= '9';
    if (alphabetic || digit) table[byte] |= token_letter | host_letter;
    if (digit) table[byte] |= digit_letter;
  }
  add("!#$%&'*+-.^_`|~", token_letter);
  add("-._~!$&'()*+,;=%", host_letter);
  return table;
}();

constexpr bool is(char letter, Letter kind) noexcept {
  return (letters[static_cast<unsigned char>(letter)] & kind) != 0;
}

constexpr bool all_are(std::string_view text, Letter kind) noexcept {
  return std::all_of(text.begin(), text.end(), [kind](char letter) { return is(letter, kind); });
}

} // namespace ringfort::http
