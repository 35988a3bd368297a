// record_policy — which records the kernel is to protect, and what it was seen to be able to.
//
// What a kernel promises is not believed: for each cipher its records are made and opened once on a
// pair of sockets, and held against Ringfort's own (a socket with the protocol set but no cipher
// behind it would send clear text).
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <ringfort/records.hpp>

#include "engine/counter.hpp"
#include "engine/ring.hpp"
#include "tls/library.hpp"
#include "tls/suites.hpp"

namespace ringfort::net {

/// Where: made before anything listens, and then only read, by every shard.
class RecordPolicy {
public:
  explicit RecordPolicy(RecordLayer wanted) noexcept : wanted_(wanted) { answers_.fill({}); }

  /// Tries every cipher of both versions. Loads the kernel's tls module where that is permitted.
  void try_kernel(engine::Ring& ring, const tls::Library& library) noexcept;

  RecordLayer wanted() const noexcept { return wanted_; }
  /// The kernel is to have at least one direction.
  bool wants_kernel() const noexcept {
    return wanted_ == RecordLayer::kernel || wanted_ == RecordLayer::kernel_send;
  }
  /// At least one cipher works in each direction that is wanted.
  bool usable() const noexcept;
  bool kernel_sends(const tls::Suite& suite) const noexcept {
    return wants_kernel() && answers_[index_of(suite)].send == 0;
  }
  bool kernel_receives(const tls::Suite& suite) const noexcept {
    return wanted_ == RecordLayer::kernel && answers_[index_of(suite)].receive == 0;
  }
  /// Linux 6.14+: keys can be replaced.
  bool rekeys() const noexcept { return rekeys_; }
  /// The errno that stands for why the first cipher does not work.
  int first_error() const noexcept;

  /// "user (auto: ...)", one line.
  std::string text() const;
  /// What try_kernel() found, a line for each cipher.
  std::string findings() const;

private:
  /// 0, or the errno that stood in the way.
  struct Answer {
    int send = not_tried;
    int receive = not_tried;
  };
  static constexpr int not_tried = -1;
  static constexpr std::size_t aead_count = 3;

  static std::size_t index_of(const tls::Suite& suite) noexcept {
    const std::size_t version = suite.version == tls::Version::tls_1_3 ? 0 : 1;
    return version * aead_count + static_cast<std::size_t>(suite.aead);
  }

  RecordLayer wanted_;
  bool rekeys_ = false;
  std::array<Answer, 2 * aead_count> answers_;
};

/// Connections by who protects their records; written by one shard.
struct RecordCounters {
  engine::Counter kernel_send;
  engine::Counter kernel_receive;
  engine::Counter user_send;
  engine::Counter user_receive;
  engine::Counter refused;  ///< directions that the kernel was to take and did not
  engine::Counter by_ring;  ///< hand-overs that were submitted to the ring
  engine::Counter by_calls; ///< that were made of system calls
  engine::Counter rested;   ///< times that a connection gave its ciphers back
};

} // namespace ringfort::net
