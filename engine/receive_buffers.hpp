// receive_buffers — who holds which provided buffer, and who waits for one.
//
// A buffer goes back to the kernel with its last hold. A receive that found no buffer is not armed
// again at once (with data waiting it would fail at once, for ever): it queues, and so does each
// that comes later, or whoever uses a buffer up would have the next one before who waits. After
// each batch as many are woken as there are buffers.
#pragma once

#include <cstdint>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/check.hpp>

#include "engine/counter.hpp"
#include "engine/ring.hpp"

namespace ringfort::engine {

/// A place in the queue of receives that wait for a buffer. Unlinked when destroyed.
class Starved {
public:
  using Run = void (*)(void* owner) noexcept;

  Starved(void* owner, Run run) noexcept : owner_(owner), run_(run) {}
  Starved(const Starved&) = delete;
  Starved& operator=(const Starved&) = delete;
  ~Starved() { RINGFORT_CHECK(!linked_); }

  bool linked() const noexcept { return linked_; }

private:
  friend class ReceiveBuffers;

  void* owner_;
  Run run_;
  Starved* next_ = nullptr;
  Starved* previous_ = nullptr;
  bool linked_ = false;
};

/// Where: one shard; the counters may be read from any thread.
class ReceiveBuffers {
public:
  ReceiveBuffers(Ring& ring, std::uint32_t count, std::uint32_t buffer_bytes)
      : ring_(ring), holds_(count, 0), count_(count), buffer_bytes_(buffer_bytes) {}
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  std::uint32_t buffer_bytes() const noexcept { return buffer_bytes_; }
  std::uint32_t count() const noexcept { return count_; }
  MutableBytes bytes(std::uint16_t id) const noexcept { return ring_.buffer(id); }

  /// One more reason to keep a buffer that the kernel has filled.
  void hold(std::uint16_t id) noexcept {
    if (holds_[id]++ == 0) ++held_;
  }
  /// One reason less; the last gives the buffer back.
  void release(std::uint16_t id) noexcept {
    RINGFORT_CHECK(holds_[id] > 0);
    if (--holds_[id] > 0) return;
    --held_;
    ring_.return_buffer(id);
  }

  /// Queues a receive that ended with -ENOBUFS.
  void starve(Starved& starved) noexcept {
    ++starved_;
    queue(starved);
  }
  /// Whether somebody waits for a buffer, so that whoever else wants one has to queue.
  bool waited_for() const noexcept { return head_ != nullptr; }
  void queue(Starved& starved) noexcept;
  void unstarve(Starved& starved) noexcept;
  /// Wakes as many as there are buffers; who is woken does not queue. Called by the loop after each
  /// batch.
  void wake_starved() noexcept;

  std::uint64_t held_count() const noexcept { return held_; }
  /// Most are held: who holds one should give it back before it asks for more.
  bool scarce() const noexcept { return held_count() > count() / 2; }
  std::uint64_t starved_count() const noexcept { return starved_; }

private:
  Ring& ring_;
  std::vector<std::uint16_t> holds_;
  std::uint32_t count_;
  std::uint32_t buffer_bytes_;
  Starved* head_ = nullptr;
  Starved* tail_ = nullptr;
  Counter held_;
  Counter starved_;
};

} // namespace ringfort::engine
