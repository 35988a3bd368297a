// metrics — a snapshot of an engine's counters: a plain value, summed over its shards.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <ringfort/error.hpp>

namespace ringfort {

struct Metrics {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t handshakes_full = 0;
  std::uint64_t handshakes_resumed = 0;
  std::uint64_t tickets_refused = 0;    ///< full handshakes of clients that had offered a ticket
  std::uint64_t handshakes_open = 0;    ///< at OpenSSL now
  std::uint64_t handshakes_waiting = 0; ///< for their turn, now
  std::uint64_t handshakes_waiting_peak = 0;  ///< the most of one shard at the end of a turn
  std::uint64_t handshake_steps = 0;          ///< costly ones: with asymmetric work
  std::uint64_t handshake_steps_deferred = 0; ///< of these, asked for in an earlier turn
  std::uint64_t passthroughs = 0; ///< connections that were passed through to a server, or to be
  std::uint64_t passthroughs_open = 0;
  std::uint64_t passthroughs_spliced = 0; ///< whose bytes the kernel moved, from some point on
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;

  std::uint64_t ring_enters = 0; ///< io_uring_enter calls
  std::uint64_t ring_submissions = 0;
  std::uint64_t ring_sends = 0;
  std::uint64_t ring_receives = 0;   ///< receives armed
  std::uint64_t buffers_starved = 0; ///< receives that found no buffer

  // TLS connections by who protects their records, each direction once.
  std::uint64_t records_kernel_send = 0;
  std::uint64_t records_kernel_receive = 0;
  std::uint64_t records_user_send = 0;
  std::uint64_t records_user_receive = 0;
  std::uint64_t records_refused = 0;  ///< directions that the kernel was to take and did not
  std::uint64_t records_by_ring = 0;  ///< hand-overs to the kernel that were submitted to the ring
  std::uint64_t records_by_calls = 0; ///< that were made of system calls
  std::uint64_t records_rested = 0;   ///< times that an idle connection gave its ciphers back

  std::uint64_t blocks_in_use = 0; ///< send, assembly and exchange blocks
  std::uint64_t receive_buffers_held = 0;
  std::uint64_t pipes_in_use = 0;

  /// How often each fault happened, by Code.
  std::array<std::uint64_t, fault_count> faults{};

  /// Appends the Prometheus text form.
  void write_text(std::string& out) const;
};

} // namespace ringfort
