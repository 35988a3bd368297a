#include "engine/socket_address.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <endian.h>

namespace ringfort::engine {

namespace {

constexpr std::size_t mapped_offset = 12; // RFC 4291 section 2.5.5.2

const sockaddr_in& as_v4(const sockaddr_in6& storage) noexcept {
  return reinterpret_cast<const sockaddr_in&>(storage);
}

// Handlers and servers are told addresses with each request, and inet_ntop prints these by printf.
std::size_t write_v4(std::span<char> room, const in_addr& address) noexcept {
  std::array<std::uint8_t, sizeof address> octets;
  std::memcpy(octets.data(), &address, sizeof address);
  char* at = room.data();
  for (const unsigned octet : octets) {
    if (at != room.data()) *at++ = '.';
    at = std::to_chars(at, room.data() + room.size(), octet).ptr;
  }
  return static_cast<std::size_t>(at - room.data());
}

} // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view host, std::uint16_t port) noexcept {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool cut = host.contains('\0'); // There the text would end for those who read it below.
  if (host.empty() || cut || host.size() >= text.size()) return fail(Code::listen_address_invalid);
  std::memcpy(text.data(), host.data(), host.size());
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage_);
  if (::inet_pton(AF_INET, text.data(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return address;
  }
  if (::inet_pton(AF_INET6, text.data(), &address.storage_.sin6_addr) == 1) {
    address.storage_.sin6_family = AF_INET6;
    address.storage_.sin6_port = htons(port);
    return address;
  }
  return fail(Code::listen_address_invalid);
}

SocketAddress SocketAddress::of(Bytes bytes, std::uint16_t port) noexcept {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage_);
  if (bytes.size() == sizeof v4.sin_addr) {
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
  } else {
    address.storage_.sin6_family = AF_INET6;
    std::memcpy(&address.storage_.sin6_addr, bytes.data(), sizeof address.storage_.sin6_addr);
  }
  address.set_port(port);
  return address;
}

std::array<std::byte, 16> SocketAddress::ipv6_bytes() const noexcept {
  std::array<std::byte, 16> bytes{};
  if (storage_.sin6_family == AF_INET6) {
    std::memcpy(bytes.data(), &storage_.sin6_addr, bytes.size());
  } else {
    bytes[10] = bytes[11] = std::byte{0xff};
    std::memcpy(bytes.data() + mapped_offset, &as_v4(storage_).sin_addr, 4);
  }
  return bytes;
}

bool SocketAddress::is_ipv4() const noexcept {
  return storage_.sin6_family == AF_INET ||
         (storage_.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&storage_.sin6_addr));
}

std::string_view SocketAddress::write_host_text(Text& room) const noexcept {
  return {room.data(), write_host(room)};
}

// What inet_ntop writes; empty for an address that was never set.
std::size_t SocketAddress::write_host(std::span<char> room) const noexcept {
  if (storage_.sin6_family == AF_INET) return write_v4(room, as_v4(storage_).sin_addr);
  const auto size = static_cast<socklen_t>(room.size());
  const auto* text = ::inet_ntop(storage_.sin6_family, &storage_.sin6_addr, room.data(), size);
  return text == nullptr ? 0 : std::strlen(text);
}

std::string_view SocketAddress::write_text(Text& room) const noexcept {
  const bool v6 = storage_.sin6_family == AF_INET6;
  const std::size_t before = v6 ? 1 : 0;
  if (v6) room[0] = '[';
  std::size_t used = write_host(std::span(room).subspan(before, INET6_ADDRSTRLEN));
  if (used == 0) return {};
  used += before;
  if (v6) room[used++] = ']';
  room[used++] = ':';
  const auto end = std::to_chars(room.data() + used, room.data() + room.size(), port());
  return {room.data(), end.ptr};
}

std::string SocketAddress::text() const {
  Text room;
  return std::string(write_text(room));
}

std::string SocketAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> room;
  return {room.data(), write_host(room)};
}

// Both families keep the port at the same offset.
std::uint16_t SocketAddress::port() const noexcept { return ntohs(storage_.sin6_port); }

void SocketAddress::set_port(std::uint16_t port) noexcept { storage_.sin6_port = htons(port); }

std::uint64_t SocketAddress::network() const noexcept {
  constexpr std::uint64_t v4_networks = std::uint64_t{0xffff} << 48; // Multicast in IPv6: no peer.
  const auto* v6 = storage_.sin6_addr.s6_addr;
  if (storage_.sin6_family == AF_INET6 && !is_ipv4()) {
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, v6, sizeof prefix);
    return be64toh(prefix);
  }
  std::uint32_t address = as_v4(storage_).sin_addr.s_addr;
  if (storage_.sin6_family == AF_INET6) {
    std::memcpy(&address, v6 + mapped_offset, sizeof address);
  }
  return v4_networks | ntohl(address);
}

socklen_t SocketAddress::size() const noexcept {
  return storage_.sin6_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

bool operator==(const SocketAddress& one, const SocketAddress& other) noexcept {
  return one.size() == other.size() && std::memcmp(&one.storage_, &other.storage_, one.size()) == 0;
}

} // namespace ringfort::engine
