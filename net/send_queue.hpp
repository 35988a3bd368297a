// send_queue — the bytes a connection has produced and the kernel has not yet accepted.
//
// A FIFO of blocks; each block's header lies at its own front, so a queue costs an idle connection
// two pointers. Bytes may be appended to a block that is in flight: the kernel reads only what it
// was given.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include <sys/uio.h>

#include <ringfort/bytes.hpp>

#include "engine/blocks.hpp"

namespace ringfort::net {

/// Where: one shard.
class SendQueue {
public:
  explicit SendQueue(engine::Blocks& blocks) noexcept : blocks_(blocks) {}
  /// The other one is empty then. Not while the kernel has something of it.
  SendQueue(SendQueue&& other) noexcept
      : blocks_(other.blocks_), head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        queued_bytes_(std::exchange(other.queued_bytes_, 0)) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue() { clear(); }

  /// At least `bytes_min` bytes to write into, at most what one block holds; empty when the shard's
  /// blocks are spent. Borrow: until the next call on the queue.
  MutableBytes space(std::size_t bytes_min) noexcept {
    if (tail_ != nullptr) {
      const MutableBytes room = tail_->room();
      if (room.size() >= bytes_min) return room;
    }
    return space_of_next(bytes_min);
  }
  /// Queues the first `bytes` of what space() answered last.
  void commit(std::size_t bytes) noexcept {
    tail_->end += bytes;
    queued_bytes_ += bytes;
  }
  /// Copies them, which are some, behind what is queued; false when the shard's blocks are spent.
  bool append(Bytes bytes) noexcept {
    const MutableBytes space = this->space(1);
    if (bytes.size() > space.size()) return append_in_parts(bytes);
    std::memcpy(space.data(), bytes.data(), bytes.size());
    commit(bytes.size());
    return true;
  }

  /// Fills `pieces` with the oldest bytes and answers how many pieces are filled.
  /// Borrow: the bytes stay in place until accepted() or clear().
  unsigned gather(std::span<iovec> pieces) const noexcept;
  /// The kernel has taken `bytes`: their blocks go back.
  void accepted(std::size_t bytes) noexcept;

  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  void clear() noexcept;

private:
  struct Chunk {
    engine::Block block;
    std::size_t memory_bytes = 0;
    Chunk* next = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;

    std::byte* memory() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    /// Behind what is queued.
    MutableBytes room() noexcept { return {memory() + end, memory_bytes - end}; }
  };

  MutableBytes space_of_next(std::size_t bytes_min) noexcept;
  bool append_in_parts(Bytes bytes) noexcept;
  void pop() noexcept;

  engine::Blocks& blocks_;
  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  std::size_t queued_bytes_ = 0;
};

} // namespace ringfort::net
