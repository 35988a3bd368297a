// uring_ring — the kernel's ring, held to the concept of ring.hpp.
//
// Set up for one submitter that asks for its completions (SINGLE_ISSUER, DEFER_TASKRUN), disabled
// until start(), so that one thread may make it and another run it (io_uring_setup(2)).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <liburing.h>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "engine/kernel_features.hpp"
#include "engine/mapping.hpp"
#include "engine/ring_vocabulary.hpp"
#include "engine/socket_address.hpp"
#include "engine/unix_address.hpp"

namespace ringfort::engine {

/// Where: see RingLike.
class UringRing {
public:
  static Result<std::unique_ptr<UringRing>> create(const RingOptions& options) noexcept;
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;
  ~UringRing();

  Result<> start() noexcept;
  const KernelFeatures& features() const noexcept { return features_; }
  const RingCounters& counters() const noexcept { return counters_; }

  Result<int> listen(const SocketAddress& address, int backlog) noexcept;
  Result<int> adopt_listener(int descriptor) noexcept;
  int accept_waiting(int listener) noexcept;
  Result<> check_free(const SocketAddress& address) noexcept;
  Result<int> open_socket(const SocketAddress& address) noexcept;
  Result<int> open_unix_socket() noexcept;
  Result<std::pair<int, int>> open_pair() noexcept;
  SocketAddress bound_address(int descriptor) noexcept;
  SocketAddress peer_address(int descriptor) noexcept;
  void shutdown_write(int descriptor) noexcept;
  void close(int descriptor) noexcept;
  void reset(int descriptor) noexcept;

  std::optional<PipeEnds> open_pipe(std::uint32_t bytes) noexcept;
  void set_nonblocking(int descriptor) noexcept;
  std::int64_t splice_in(int socket, int write_end, std::size_t bytes_max) noexcept;
  std::int64_t copy_in(int socket, int write_end) noexcept;
  std::int64_t splice_out(int read_end, int socket, std::size_t bytes_max) noexcept;

  int replace_record_keys(int descriptor, RecordSide side, Bytes keys) noexcept;
  int receive_control(int descriptor, ControlRecord& record) noexcept;
  int try_record_keys(RecordSide side, Bytes keys, Bytes in, MutableBytes out) noexcept;
  int try_rekey(Bytes keys) noexcept;

  void accept(Op& op, int listener) noexcept;
  void connect(Op& op, int descriptor, const SocketAddress& address) noexcept;
  void connect(Op& op, int descriptor, const UnixAddress& address) noexcept;
  void receive(Op& op, int descriptor, ReceiveArm arm) noexcept;
  void send(Op& op, int descriptor, Bytes bytes) noexcept;
  [[gnu::noinline]] void send_gathered(Op& op, int descriptor, const iovec* pieces,
                                       unsigned count) noexcept;
  std::optional<Completion> install_records(Op& op, int descriptor,
                                            const RecordInstall& install) noexcept;
  void poll(Op& op, int descriptor, std::uint32_t events) noexcept;
  void send_control(Op& op, int descriptor, ControlRecord& record) noexcept;
  void cancel(Op& op) noexcept;

  MutableBytes buffer(std::uint16_t id) const noexcept;
  void return_buffer(std::uint16_t id) noexcept;
  std::uint32_t buffers_available() const noexcept { return buffers_available_; }

  bool queued() const noexcept { return io_uring_sq_ready(&ring_) > 0; }
  Result<> submit_and_wait(unsigned count, std::chrono::nanoseconds wait) noexcept;
  std::size_t harvest(std::span<Harvested> harvested) noexcept;
  void wake() noexcept;

  std::chrono::nanoseconds now() const noexcept;
  std::int64_t unix_seconds() const noexcept;

private:
  UringRing() noexcept = default;

  struct Message {
    msghdr header;
    iovec piece; ///< where there is one
  };

  /// Answers to operations that no owner waits for: cancels and wakes.
  static constexpr std::uint64_t user_data_cancel = 0;
  static constexpr std::uint64_t user_data_wake = 1;
  static constexpr std::uint16_t buffer_group = 0;

  Result<> set_up(const RingOptions& options) noexcept;
  Result<> provide_buffers(const RingOptions& options) noexcept;
  void probe_features() noexcept;
  /// Submits what is queued and answers its result; empty when there is none.
  static std::optional<int> ask(io_uring& probe) noexcept;
  static bool knows_receive_cap(io_uring& probe) noexcept;
  static bool knows_socket_options(io_uring& probe) noexcept;
  void reserve(unsigned count) noexcept;
  Message& next_message() noexcept;
  [[gnu::always_inline]] io_uring_sqe& next_sqe() noexcept {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) sqe = sqe_after_submitting();
    ++counters_.submissions;
    return *sqe;
  }
  io_uring_sqe* sqe_after_submitting() noexcept;
  void arm_wake() noexcept;
  bool take(const io_uring_cqe& cqe, Harvested& out) noexcept;

  io_uring ring_{};
  bool ring_ready_ = false;
  KernelFeatures features_;
  RingCounters counters_;

  io_uring_buf_ring* buffer_ring_ = nullptr;
  Mapping buffers_;
  std::uint32_t buffer_count_ = 0;
  std::uint32_t buffer_bytes_ = 0;
  std::uint32_t buffers_available_ = 0;
  std::uint16_t returned_ = 0; ///< added to the ring since the last time it was told

  int wake_descriptor_ = -1;
  std::uint64_t wake_count_ = 0;
  std::vector<Message> messages_; ///< one per submission entry: read when it is submitted
};

} // namespace ringfort::engine
