// stream — a plain byte stream over the ring: received bytes where the kernel put them, sent bytes
// gathered, one send in flight, and an orderly end.
//
// The invariant: while leases() are held the stream stays where it is; the descriptor is closed
// only after the last completion (a descriptor with an armed receive would never really close).
#pragma once

#include <array>
#include <cstdint>

#include <sys/uio.h>

#include <ringfort/error.hpp>

#include "engine/loop.hpp"
#include "net/receive_queue.hpp"
#include "net/send_queue.hpp"

namespace ringfort::net {

/// What a stream tells the connection that it belongs to.
class StreamOwner {
public:
  /// Bytes arrived, or the peer's FIN did: see Stream::received() and Stream::ended().
  virtual void on_received() noexcept = 0;
  /// The kernel accepted bytes: see Stream::queued_bytes().
  virtual void on_sent() noexcept = 0;
  /// Whether something goes on as soon as on_sent() is called.
  virtual bool waits_for_sent() const noexcept = 0;
  /// The transport is gone (detail: errno). Nothing more can be sent or received.
  virtual void on_broken(int error_number) noexcept = 0;
  /// After stop(): no operation is left, the descriptor is closed.
  virtual void on_settled() noexcept = 0;

protected:
  ~StreamOwner() = default;
};

/// Counters of a shard that streams add to.
struct StreamCounters {
  engine::Counter received_bytes;
  engine::Counter sent_bytes;
};

/// What the streams of one shard share.
struct StreamHome {
  engine::Loop& loop;
  std::span<HeldBuffer> held_buffers;
  std::uint32_t receive_credit_bytes;
  StreamCounters counters;
};

/// Where: one shard.
class Stream {
public:
  Stream(StreamHome& home, int descriptor, StreamOwner& owner) noexcept;
  ~Stream();

  /// Arms the first receive.
  void start() noexcept;

  /// The oldest unread bytes, in their receive buffer; empty when none wait.
  /// Borrow: until consumed.
  MutableBytes received() const noexcept { return received_.front(); }
  std::uint16_t received_buffer_id() const noexcept { return received_.front_id(); }
  /// Marks received bytes as used and arms the next receive when credit allows it again.
  void consume(std::size_t bytes) noexcept;
  /// The peer's FIN came, and everything before it has been consumed.
  bool ended() const noexcept { return peer_ended_ && received_.empty(); }
  bool peer_ended() const noexcept { return peer_ended_; }
  /// Neither bytes nor a FIN wait to be read, and no byte to be sent.
  bool quiet() const noexcept {
    return received_.empty() && !peer_ended_ && sending_.queued_bytes() == 0;
  }

  /// Room to write `bytes_min` or more into; empty when the shard's blocks are spent.
  MutableBytes send_space(std::size_t bytes_min) noexcept { return sending_.space(bytes_min); }
  void commit(std::size_t bytes) noexcept { sending_.commit(bytes); }
  std::size_t queued_bytes() const noexcept { return sending_.queued_bytes(); }
  /// Starts a send of what is queued, unless one is in flight.
  /// Cost: one submission however many pieces are queued, up to `gather_max` blocks.
  void flush() noexcept;

  /// FIN after the last queued byte; only when queued_bytes() is zero.
  void shutdown_write() noexcept;
  /// Cancels what is in flight and drops what is queued; on_settled() follows, never from inside
  /// this call. `reset` closes with RST.
  void stop(bool reset) noexcept;

  const engine::Leases& leases() const noexcept { return leases_; }
  int descriptor() const noexcept { return descriptor_; }

private:
  static constexpr unsigned gather_max = 8;

  void on_receive(engine::Completion completion) noexcept;
  void on_send(engine::Completion completion) noexcept;
  void arm_receive() noexcept;
  void pause_uncapped_receive() noexcept;
  void settle_when_idle() noexcept;

  StreamHome& home_;
  StreamOwner& owner_;
  int descriptor_;
  bool peer_ended_ = false;
  bool broken_ = false;
  bool stopping_ = false;
  bool reset_ = false;
  bool pausing_ = false; ///< an uncapped multishot is being cancelled to stop the flow
  std::array<iovec, gather_max> pieces_;

  engine::Leases leases_;
  engine::Op receive_op_;
  engine::Op send_op_;
  engine::Starved starved_;
  engine::Deferred settled_;
  ReceiveQueue received_;
  SendQueue sending_;
};

} // namespace ringfort::net
