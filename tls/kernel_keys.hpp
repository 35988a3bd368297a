// kernel_keys — one direction's keys as the kernel's record layer takes them: the bytes of
// struct tls12_crypto_info_* (linux/tls.h), for setsockopt(SOL_TLS, TLS_TX or TLS_RX).
#pragma once

#include <array>
#include <cstddef>

#include <ringfort/bytes.hpp>

#include "tls/traffic_keys.hpp"

namespace ringfort::tls {

/// A description of bytes: nothing here knows a descriptor. Wiped when it goes.
class KernelKeys {
public:
  /// Empty: nobody's.
  KernelKeys() noexcept = default;
  /// The next record of the kernel's is the one that `keys.sequence` names.
  explicit KernelKeys(const DirectionKeys& keys) noexcept;
  KernelKeys(const KernelKeys&) = delete;
  KernelKeys& operator=(const KernelKeys&) = default;
  ~KernelKeys();

  /// Borrow: as long as this object.
  Bytes bytes() const noexcept { return Bytes(bytes_).first(size_bytes_); }

private:
  static constexpr std::size_t bytes_max = 56; ///< of AES-256-GCM and ChaCha20-Poly1305

  template <class Info>
  void write(Info& info, const DirectionKeys& keys, std::size_t salt_bytes) noexcept;

  alignas(8) std::array<std::byte, bytes_max> bytes_{};
  std::size_t size_bytes_ = 0;
};

} // namespace ringfort::tls
