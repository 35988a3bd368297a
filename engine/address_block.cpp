#include "engine/address_block.hpp"

#include <charconv>
#include <cstring>

namespace ringfort::engine {

namespace {

constexpr unsigned mapped_bit_count = 96; ///< before an IPv4 address (RFC 4291 section 2.5.5.2)

std::optional<unsigned> parse_bit_count(std::string_view text, unsigned bits_max) noexcept {
  unsigned count = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc{} || parsed.ptr != end || count > bits_max) return {};
  return count;
}

} // namespace

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto first = SocketAddress::parse(text.substr(0, slash), 0);
  if (!first) return {};
  const bool v4 = first->family() == AF_INET;
  AddressBlock block;
  block.bytes_ = first->ipv6_bytes();
  block.bit_count_ = 128;
  if (slash == text.npos) return block;
  const auto bits = parse_bit_count(text.substr(slash + 1), v4 ? 32 : 128);
  if (!bits) return {};
  block.bit_count_ = *bits + (v4 ? mapped_bit_count : 0);
  return block;
}

bool AddressBlock::contains(const SocketAddress& address) const noexcept {
  const auto other = address.ipv6_bytes();
  const unsigned whole_bytes = bit_count_ / 8;
  if (std::memcmp(bytes_.data(), other.data(), whole_bytes) != 0) return false;
  const unsigned rest = bit_count_ % 8;
  if (rest == 0) return true;
  return (bytes_[whole_bytes] ^ other[whole_bytes]) >> (8 - rest) == std::byte{0};
}

} // namespace ringfort::engine
