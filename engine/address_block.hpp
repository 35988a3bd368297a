// address_block — the addresses that share their first bits (CIDR, RFC 4632): a network, or one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/socket_address.hpp"

namespace ringfort::engine {

/// A value. An IPv4 address mapped into IPv6 is the IPv4 address.
class AddressBlock {
public:
  /// "192.0.2.0/24", "2001:db8::/32", or one address. Nothing: it is neither.
  static std::optional<AddressBlock> parse(std::string_view text) noexcept;

  /// Whatever its port.
  bool contains(const SocketAddress& address) const noexcept;

private:
  std::array<std::byte, 16> bytes_{}; ///< of the first address
  unsigned bit_count_ = 0;            ///< of these that all have; of IPv4, behind 96 others
};

} // namespace ringfort::engine
