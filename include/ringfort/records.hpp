// records — who protects the records of a TLS connection once its handshake is over.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringfort {

/// The two directions of a connection are independent: either may be the kernel's.
enum class RecordLayer : std::uint8_t {
  /// What is best as far as it is known: user, on every kernel so far. No gain of the kernel's
  /// records in software has been measured here, and before Linux 6.14 they cannot follow a
  /// KeyUpdate.
  automatic,
  user,        ///< Ringfort, in the process
  kernel,      ///< the kernel (tls(7) sockets), both directions
  kernel_send, ///< the kernel seals what is sent, Ringfort opens what is received
};

constexpr std::string_view name_of(RecordLayer layer) noexcept {
  constexpr std::string_view names[] = {"auto", "user", "kernel", "kernel-send"};
  return names[static_cast<std::size_t>(layer)];
}

} // namespace ringfort
