// receive_queue — the bytes a connection has received and not yet used, where the kernel put them.
//
// A FIFO of provided buffers. A small arrival behind a waiting buffer is copied into that buffer's
// free tail, so that a peer that trickles cannot pin one buffer per segment.
#pragma once

#include <cstdint>
#include <span>

#include <sys/uio.h>

#include <ringfort/bytes.hpp>

#include "engine/receive_buffers.hpp"

namespace ringfort::net {

/// The unread part of one provided buffer; a shard has one row per buffer id.
struct HeldBuffer {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint16_t next = 0;
};

/// Where: one shard. Nothing is allocated: the links lie in the shard's table.
class ReceiveQueue {
public:
  ReceiveQueue(engine::ReceiveBuffers& buffers, std::span<HeldBuffer> table) noexcept
      : buffers_(buffers), table_(table) {}
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;
  ~ReceiveQueue() { clear(); }

  /// Takes over a buffer that the kernel filled with `bytes`.
  /// Cost: nothing, or one copy when it joins a waiting buffer.
  void push(std::uint16_t id, std::uint32_t bytes) noexcept;

  /// The unread bytes of the oldest buffer; empty when nothing waits.
  /// Borrow: until they are consumed.
  [[gnu::always_inline]] MutableBytes front() const noexcept {
    if (count_ == 0) return {};
    const HeldBuffer& held = table_[head_];
    return buffers_.bytes(head_).subspan(held.begin, held.end - held.begin);
  }
  /// The unread bytes of the oldest buffers, as many as `pieces` and `ids` have room for; answers
  /// how many. Borrow: each until it is consumed, and its buffer held by nobody else.
  unsigned gather(std::span<iovec> pieces, std::span<std::uint16_t> ids) const noexcept;
  /// The id of the oldest buffer, to hold it longer than its bytes wait. Not when empty().
  std::uint16_t front_id() const noexcept { return head_; }
  /// Marks bytes of front() as used; the buffer goes back with its last one.
  void consume(std::size_t bytes) noexcept;

  bool empty() const noexcept { return count_ == 0; }
  /// What the connection is charged: the capacity of the buffers it keeps from others.
  std::size_t held_bytes() const noexcept { return count_ * buffers_.buffer_bytes(); }
  void clear() noexcept;

private:
  engine::ReceiveBuffers& buffers_;
  std::span<HeldBuffer> table_;
  std::uint32_t count_ = 0;
  std::uint16_t head_ = 0;
  std::uint16_t tail_ = 0;
};

} // namespace ringfort::net
