// proxy_header_form — the numbers of PROXY headers, as proxy-protocol.txt sections 2.1 and 2.2 have
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringfort/bytes.hpp>

namespace ringfort::net::proxy_form {

inline constexpr std::string_view word = "PROXY "; ///< how version 1 begins

// Version 2: the signature, version and command, family, length; addresses; fields.
inline constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr std::size_t length_at = 14;
inline constexpr std::size_t head_bytes = 16;

enum class Command : std::uint8_t { local, proxy };

/// Of addresses, and over what; each is as long twice, source and destination.
enum class Family : std::uint8_t {
  unspecified = 0x00,
  tcp4 = 0x11,
  tcp6 = 0x21,
  unix_stream = 0x31,
};

constexpr std::size_t address_bytes(Family family) noexcept {
  switch (family) {
  case Family::tcp4: return 4;
  case Family::tcp6: return 16;
  case Family::unix_stream: return 108;
  case Family::unspecified: break;
  }
  return 0;
}

constexpr std::size_t addresses_bytes(Family family) noexcept {
  const bool has_ports = family == Family::tcp4 || family == Family::tcp6;
  return 2 * address_bytes(family) + (has_ports ? 4 : 0);
}

/// Each a type, a length of two bytes, and so many bytes.
inline constexpr std::size_t field_head_bytes = 3;
inline constexpr std::size_t checksum_bytes = 4;

enum class Field : std::uint8_t {
  protocol = 0x01,    ///< PP2_TYPE_ALPN
  server_name = 0x02, ///< PP2_TYPE_AUTHORITY
  checksum = 0x03,    ///< PP2_TYPE_CRC32C
  tls = 0x20,         ///< PP2_TYPE_SSL, which holds the others
  tls_version = 0x21,
  tls_common_name = 0x22,
  tls_suite = 0x23,
};

/// CRC32c (RFC 3720 appendix B.4), four bits at a time: headers are short and rare.
inline constexpr std::uint32_t crc32c_start = 0xffff'ffff;

constexpr std::uint32_t crc32c(std::uint32_t sum, Bytes bytes) noexcept {
  constexpr std::uint32_t polynomial = 0x82f6'3b78;
  constexpr auto table = [] {
    std::array<std::uint32_t, 16> all{};
    for (std::uint32_t index = 0; index < all.size(); ++index) {
      std::uint32_t value = index;
      for (unsigned bit = 0; bit < 4; ++bit) value = value >> 1 ^ (value & 1 ? polynomial : 0);
      all[index] = value;
    }
    return all;
  }();
  for (const std::byte byte : bytes) {
    sum ^= std::to_integer<std::uint32_t>(byte);
    sum = sum >> 4 ^ table[sum & 0xf];
    sum = sum >> 4 ^ table[sum & 0xf];
  }
  return sum;
}

} // namespace ringfort::net::proxy_form
