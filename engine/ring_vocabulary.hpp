// ring_vocabulary — the values that every ring, real or simulated, speaks in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <ringfort/bytes.hpp>

#include "engine/counter.hpp"
#include "engine/op.hpp"

namespace ringfort::engine {

/// Sizes of one shard's ring and of the receive buffers that it provides to the kernel.
struct RingOptions {
  std::uint32_t submission_entries = 1024; ///< power of two, 8..32768
  std::uint32_t completion_entries = 8192; ///< power of two, at least 4 times the above, <= 65536
  std::uint32_t buffer_count = 512;        ///< power of two, 2..32768
  std::uint32_t buffer_bytes = 16'384;     ///< one receive buffer
};

/// One completion as harvested: run it with op->complete(completion).
struct Harvested {
  Op* op;
  Completion completion;
};

/// Exact counts, written by the ring's thread and read by any: cost tests assert on them.
struct RingCounters {
  Counter enters;            ///< io_uring_enter calls
  Counter submissions;       ///< SQEs given to the kernel
  Counter sends;             ///< of these, sends
  Counter receives;          ///< of these, receives armed
  Counter completions;       ///< CQEs taken
  Counter stale_completions; ///< CQEs whose operation had already ended
  Counter record_calls;      ///< setsockopt(2) calls for records in the kernel's hands
};

/// How a receive is armed.
struct ReceiveArm {
  bool multishot = true;
  /// Bytes after which a multishot ends by itself (Linux 6.17+); 0 = no cap. Ignored where the
  /// kernel lacks it: KernelFeatures::receive_cap says so.
  std::uint32_t cap_bytes = 0;
  /// What one that is no multishot takes at most; 0 = what its buffer holds.
  std::uint32_t bytes_max = 0;
};

/// pipe(2).
struct PipeEnds {
  int read_end = -1;
  int write_end = -1;
};

// Sockets whose TLS records the kernel protects (Documentation/networking/tls.rst).

enum class RecordSide : std::uint8_t { send, receive };

/// The steps of an installation, in their order: Completion::step() of its completion.
enum class RecordStep : std::uint8_t { protocol = 1, send, receive };

/// What a socket is given so that the kernel protects its records: what it has and names is a step.
struct RecordInstall {
  bool protocol = false; ///< TCP_ULP, before any keys and once for a socket
  /// struct tls12_crypto_info_*: the kernel goes on with the record that it names.
  Bytes send_keys = {};
  Bytes receive_keys = {};
};

/// A record that carries no data: an alert or a KeyUpdate.
struct ControlRecord {
  static constexpr std::size_t bytes_max = 6; ///< one more than the longest that is let through

  std::uint8_t type = 0; ///< RFC 8446 section 5.1
  std::uint8_t size = 0; ///< 0: there is none
  std::array<std::byte, bytes_max> content{};
  alignas(8) std::array<std::byte, 24> message{}; ///< for the ring, while it sends the record

  Bytes bytes() const noexcept { return Bytes(content).first(size); }
};

} // namespace ringfort::engine
