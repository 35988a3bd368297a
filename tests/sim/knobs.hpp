// knobs — how mean a simulated kernel and network are: drawn once for a world (swarm testing), so
// that each world is extreme in a few ways rather than average in all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <ringfort/error.hpp>

#include "tests/sim/prng.hpp"

namespace ringfort::sim {

/// A defect that the world commits on purpose, once: the oracles must notice it.
enum class Plant : std::uint8_t {
  nothing,
  loses_buffer,       ///< one returned buffer never reaches the kernel
  loses_completion,   ///< the final completion of one send is dropped
  repeats_completion, ///< one final completion comes again in a later turn
  corrupts_byte,      ///< one received byte is changed
  leaks_descriptor,   ///< one accepted connection is handed to nobody
  loses_wake,         ///< one handler that waits is never woken
  skips_telling,      ///< one call of the observer is left out
  keeps_block,        ///< one block is taken and never comes back
  repeats_call,       ///< one call is made again though bytes of it were sent
};

/// What a ring does: counted where each would complete.
enum class Occasion : std::uint8_t { accept, receive, send, install, connect, count };

/// That occasion of its kind, counted from 1, ends with that errno. 0: none does.
struct OneFailure {
  Occasion occasion = Occasion::accept;
  std::uint32_t number = 0;
  int error_number = 0;
};

/// Chances are per decision, in thousandths. The defaults are a kind kernel.
struct Knobs {
  bool receive_cap = true; ///< Linux 6.17+: a multishot receive ends by itself

  unsigned short_receive_per_mille = 0; ///< fewer bytes than there are
  unsigned short_send_per_mille = 0;    ///< fewer bytes than there is room for
  unsigned lone_byte_per_mille = 0;     ///< a short result is one byte
  unsigned late_per_mille = 0;          ///< an operation that could go on does not yet
  unsigned accept_ends_per_mille = 0;   ///< a multishot accept ends without being asked
  unsigned accept_fails_per_mille = 0;  ///< EMFILE, ENFILE, ENOMEM, ECONNABORTED
  unsigned receive_ends_per_mille = 0;  ///< a multishot receive ends after a positive result
  unsigned no_buffers_per_mille = 0;    ///< a receive finds no buffer though there are some
  unsigned end_buffer_per_mille = 0;    ///< the end of the stream takes a buffer along
  unsigned cancel_loses_per_mille = 0;  ///< the operation goes on once more before it is cancelled
  unsigned cancel_as_no_buffers_per_mille = 0; ///< Linux 6.0..6.4 answered -ENOBUFS
  unsigned interrupted_wait_per_mille = 0;     ///< a wait ends early
  unsigned interrupted_send_per_mille = 0;     ///< EINTR or EAGAIN: nothing was taken, nothing lost
  unsigned fatal_per_mille = 0;           ///< errors that end a connection, on a receive or send
  unsigned reset_drops_per_mille = 0;     ///< an RST discards what was not read yet
  unsigned connect_refused_per_mille = 0; ///< though somebody listens
  unsigned connect_silent_per_mille = 0;  ///< a connect is never answered
  unsigned connect_cuts_per_mille = 0;    ///< a direction resets the connection after some bytes

  unsigned late_host_per_mille = 0;            ///< the host's thread comes late to its next turn
  std::chrono::milliseconds late_host_max{0};  ///< so late
  std::chrono::milliseconds late_hosts_max{0}; ///< all of them together

  // Records that the kernel protects.
  bool record_protocol = true;                  ///< it can at all
  bool record_chain = true;                     ///< Linux 6.7+: they go over through the ring
  bool record_rekeys = true;                    ///< Linux 6.14+: keys can be replaced
  bool records_in_clear = false;                ///< it takes keys and sends clear text
  unsigned record_protocol_fails_per_mille = 0; ///< a socket cannot be given keys
  unsigned send_keys_fail_per_mille = 0;
  unsigned receive_keys_fail_per_mille = 0;

  std::uint32_t submission_entries_max = UINT32_MAX; ///< then the queue is full, and entered
  std::uint32_t completion_entries = UINT32_MAX;     ///< more wait for the next enter
  std::uint32_t receive_socket_bytes = 65'536;       ///< what the server's socket holds unread
  std::uint32_t send_socket_bytes = 65'536;          ///< what it holds unsent
  std::uint32_t descriptors_max = 1'024;
  std::uint64_t client_hosts = 250;           ///< addresses that clients come from, in turn
  std::uint64_t enters_max = UINT64_MAX;      ///< after that many, submit_and_wait fails
  std::chrono::microseconds latency_max{200}; ///< until a peer reacts

  OneFailure failure = {};
  std::optional<Code> create_error = std::nullopt; ///< what Ring::create answers
  Plant plant = Plant::nothing;
  std::uint32_t plant_after = 0; ///< occasions that pass before the defect is committed

  static Knobs draw(Prng& prng) noexcept {
    Knobs knobs;
    const auto level = [&prng](unsigned per_mille_max) noexcept -> unsigned {
      return prng.chance(500) ? 0 : static_cast<unsigned>(prng.between(1, per_mille_max));
    };
    knobs.receive_cap = prng.chance(500);
    knobs.short_receive_per_mille = level(900);
    knobs.short_send_per_mille = level(900);
    knobs.lone_byte_per_mille = level(200);
    knobs.late_per_mille = level(700);
    knobs.accept_ends_per_mille = level(500);
    knobs.accept_fails_per_mille = level(300);
    knobs.receive_ends_per_mille = level(500);
    knobs.no_buffers_per_mille = level(100);
    knobs.end_buffer_per_mille = level(1000);
    knobs.cancel_loses_per_mille = level(1000);
    knobs.cancel_as_no_buffers_per_mille = level(300);
    knobs.interrupted_wait_per_mille = level(200);
    knobs.interrupted_send_per_mille = level(200);
    knobs.late_host_per_mille = level(20);
    // In all less than any timeout leaves to a client that does what it should.
    knobs.late_host_max = std::chrono::milliseconds(prng.between(1, 300));
    knobs.late_hosts_max = std::chrono::seconds(1);
    knobs.submission_entries_max =
        prng.chance(700) ? UINT32_MAX : static_cast<std::uint32_t>(prng.between(1, 4));
    knobs.completion_entries =
        prng.chance(700) ? UINT32_MAX : static_cast<std::uint32_t>(prng.between(1, 6));
    knobs.fatal_per_mille = prng.chance(800) ? 0 : static_cast<unsigned>(prng.between(1, 20));
    knobs.reset_drops_per_mille = level(1000);
    knobs.receive_socket_bytes = static_cast<std::uint32_t>(256u << prng.below(9));
    knobs.send_socket_bytes = static_cast<std::uint32_t>(256u << prng.below(9));
    knobs.latency_max = std::chrono::microseconds(std::uint64_t{1} << prng.below(14));
    return knobs;
  }

  /// Of a world whose kernel is to protect records.
  void draw_records(Prng& prng) noexcept {
    const auto level = [&prng]() noexcept -> unsigned {
      return prng.chance(600) ? 0 : static_cast<unsigned>(prng.between(1, 1'000));
    };
    record_chain = prng.chance(700);
    record_rekeys = prng.chance(500);
    record_protocol_fails_per_mille = level();
    send_keys_fail_per_mille = level();
    receive_keys_fail_per_mille = level();
  }
};

} // namespace ringfort::sim
