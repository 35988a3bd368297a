// loop — one core's turn: submit and wait, gather completions, run them, then timers and posted
// jobs, then what was deferred to the end of the batch.
//
// Completions are gathered before any is run, so that nothing runs from inside the harvest and one
// busy peer cannot stretch a turn beyond its batch.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <ringfort/error.hpp>

#include "engine/blocks.hpp"
#include "engine/receive_buffers.hpp"
#include "engine/ring.hpp"
#include "engine/timer_wheel.hpp"

namespace ringfort::engine {

struct LoopOptions {
  RingOptions ring;
  std::uint32_t block_count = 4'096;
  std::uint32_t block_bytes = 17'408; ///< one sealed record of 16 KiB and its header
};

/// Something to run once at the end of the batch. Living inside its owner.
class Deferred {
public:
  using Run = void (*)(void* owner) noexcept;

  Deferred(void* owner, Run run) noexcept : owner_(owner), run_(run) {}
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  ~Deferred() { RINGFORT_CHECK(!linked_); }

  /// It is still to run in this batch.
  bool linked() const noexcept { return linked_; }

private:
  friend class Loop;

  void* owner_;
  Run run_;
  Deferred* next_ = nullptr;
  bool linked_ = false;
};

/// Where: one thread, except post() and wake().
class Loop {
public:
  using Job = std::move_only_function<void()>;

  /// Errors: ring.refused, ring.kernel_too_old, ring.no_memory.
  static Result<std::unique_ptr<Loop>> create(const LoopOptions& options) noexcept;
  Loop(std::unique_ptr<Ring> ring, Blocks blocks, const LoopOptions& options);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// One turn; waits at most `wait_max`. Answers the number of completions run. The first turn
  /// makes the calling thread the ring's own.
  /// Errors: ring.enter_failed.
  Result<unsigned> turn(std::chrono::nanoseconds wait_max) noexcept;

  /// Gives the kernel what is queued, without waiting: before long work between two turns.
  /// Errors: ring.enter_failed. Cost: one io_uring_enter, none when nothing is queued.
  Result<> submit() noexcept;

  Ring& ring() noexcept { return *ring_; }
  const Ring& ring() const noexcept { return *ring_; }
  Blocks& blocks() noexcept { return blocks_; }
  ReceiveBuffers& receive_buffers() noexcept { return receive_buffers_; }
  TimerWheel& timers() noexcept { return timers_; }

  /// Monotonic time as of this turn.
  std::chrono::nanoseconds now() const noexcept { return now_; }
  /// Calendar time as of this turn.
  std::int64_t unix_seconds() const noexcept { return unix_seconds_; }

  /// Says that the send just armed ends a message: nothing waits for its completion, so the next
  /// wait need not end with it.
  void expect_quiet_send() noexcept { ++quiet_sends_; }

  /// Runs `deferred` once, after the completions, timers and jobs of this turn.
  void defer(Deferred& deferred) noexcept;

  /// Runs `job` in a coming turn. False after close_posts(). Where: any thread.
  bool post(Job job) noexcept;
  /// Runs what was posted so far and takes no more.
  void close_posts() noexcept;
  /// Ends the current wait, or the next one. Where: any thread; async-signal-safe.
  void wake() noexcept { ring_->wake(); }

private:
  static constexpr std::size_t batch_max = 256;
  /// How long a wait may be held up by a quiet send that did not complete at once.
  static constexpr std::chrono::nanoseconds send_wait{200'000};

  Result<> start() noexcept;
  Result<> wait(std::chrono::nanoseconds wait_max) noexcept;
  void read_clocks() noexcept;
  void run_jobs() noexcept;
  void run_deferred() noexcept;

  std::unique_ptr<Ring> ring_;
  Blocks blocks_;
  ReceiveBuffers receive_buffers_;
  TimerWheel timers_;
  std::chrono::nanoseconds now_;
  std::int64_t unix_seconds_;
  bool started_ = false;
  bool batch_was_full_ = false;
  unsigned quiet_sends_ = 0;
  Deferred* deferred_head_ = nullptr;
  Deferred* deferred_tail_ = nullptr;

  std::mutex jobs_mutex_;
  std::vector<Job> jobs_;
  std::vector<Job> running_jobs_;
  bool posts_closed_ = false; ///< under jobs_mutex_
  std::atomic<bool> jobs_waiting_{false};
  std::array<Harvested, batch_max> batch_;
};

} // namespace ringfort::engine
