// socket_address — an IPv4 or IPv6 address and a port, parsed and printed without resolving.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

namespace ringfort::engine {

/// A value of 28 bytes that the kernel can read in place.
class SocketAddress {
public:
  SocketAddress() noexcept : storage_{} {}

  /// `host` is a literal IPv4 or IPv6 address, the latter with or without brackets.
  /// Errors: listen.address_invalid.
  static Result<SocketAddress> parse(std::string_view host, std::uint16_t port) noexcept;

  /// Of 4 bytes (IPv4) or 16 (IPv6), in network order.
  static SocketAddress of(Bytes address, std::uint16_t port) noexcept;

  /// Room for any address's text: "[", 45 characters, "]:", 5 digits.
  using Text = std::array<char, 56>;
  /// "127.0.0.1:8443", "[::1]:8443"; empty for an address that was never set. Borrow: `room`.
  std::string_view write_text(Text& room) const noexcept;
  /// The same. Allocates.
  std::string text() const;
  /// The address alone, without brackets. Allocates.
  std::string host() const;
  /// The address alone, likewise. Borrow: `room`.
  std::string_view write_host_text(Text& room) const noexcept;
  /// Of IPv4 the address that is mapped (RFC 4291 section 2.5.5.2).
  std::array<std::byte, 16> ipv6_bytes() const noexcept;
  /// Also one that is mapped.
  bool is_ipv4() const noexcept;
  bool is_set() const noexcept { return storage_.sin6_family != AF_UNSPEC; }
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// AF_INET or AF_INET6.
  sa_family_t family() const noexcept { return storage_.sin6_family; }
  /// Who is behind it, as far as an address tells: an IPv4 address, also one mapped into IPv6, or
  /// the first 64 bits of an IPv6 address, which one customer has (RFC 6177). Others differ.
  std::uint64_t network() const noexcept;

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const noexcept;
  static constexpr socklen_t capacity() noexcept { return sizeof(sockaddr_in6); }

  friend bool operator==(const SocketAddress&, const SocketAddress&) noexcept;

private:
  std::size_t write_host(std::span<char> room) const noexcept;

  sockaddr_in6 storage_;
};

} // namespace ringfort::engine
