// addresses — where a server may be reached, in the order in which to try it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/socket_address.hpp"

namespace ringfort::net {

/// A value. At most 16 addresses, and 8 of either family, so that neither keeps the other out.
class Addresses {
public:
  static constexpr std::size_t of_family_max = 8;
  static constexpr std::size_t count_max = 2 * of_family_max;

  Addresses() noexcept = default;
  /// What is beyond the bounds is left out.
  explicit Addresses(std::span<const engine::SocketAddress> all) noexcept {
    for (const engine::SocketAddress& address : all) add(address);
  }

  void add(const engine::SocketAddress& address) noexcept {
    const auto same_family = std::ranges::count_if(
        all(), [&address](const auto& other) { return other.family() == address.family(); });
    if (static_cast<std::size_t>(same_family) < of_family_max) all_[count_++] = address;
  }
  /// The same, each with that port.
  Addresses with_port(std::uint16_t port) const noexcept {
    Addresses result = *this;
    for (engine::SocketAddress& address : std::span(result.all_).first(count_)) {
      address.set_port(port);
    }
    return result;
  }
  /// Borrow: as long as this value.
  std::span<const engine::SocketAddress> all() const& noexcept {
    return std::span(all_).first(count_);
  }
  std::span<const engine::SocketAddress> all() const&& = delete;
  bool empty() const noexcept { return count_ == 0; }

private:
  std::array<engine::SocketAddress, count_max> all_;
  std::size_t count_ = 0;
};

} // namespace ringfort::net
