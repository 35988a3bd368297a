#include "engine/loop.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::engine {

Result<std::unique_ptr<Loop>> Loop::create(const LoopOptions& options) noexcept {
  auto ring = Ring::create(options.ring);
  if (!ring) return std::unexpected(ring.error());
  auto blocks = Blocks::create(options.block_count, options.block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  return std::make_unique<Loop>(std::move(*ring), std::move(*blocks), options);
}

Loop::Loop(std::unique_ptr<Ring> ring, Blocks blocks, const LoopOptions& options)
    : ring_(std::move(ring)), blocks_(std::move(blocks)),
      receive_buffers_(*ring_, options.ring.buffer_count, options.ring.buffer_bytes),
      timers_(ring_->now()), now_(ring_->now()), unix_seconds_(ring_->unix_seconds()) {}

Result<> Loop::start() noexcept {
  if (started_) return {};
  started_ = true;
  return ring_->start();
}

Result<unsigned> Loop::turn(std::chrono::nanoseconds wait_max) noexcept {
  if (auto begun = start(); !begun) return std::unexpected(begun.error());
  run_deferred(); // What was armed and deferred before the first turn, or between two.
  if (auto waited = wait(wait_max); !waited) return std::unexpected(waited.error());
  read_clocks();
  const std::size_t count = ring_->harvest(batch_);
  batch_was_full_ = count == batch_.size();
  for (std::size_t index = 0; index < count; ++index) {
    batch_[index].op->complete(batch_[index].completion);
  }
  timers_.advance(now_);
  if (jobs_waiting_.load(std::memory_order_acquire)) run_jobs();
  run_deferred();
  receive_buffers_.wake_starved(); // With what all of that gave back.
  return static_cast<unsigned>(count);
}

// Sends mostly complete while they are submitted, and each would end a wait for one completion at
// once. Waiting for one more than the quiet sends just queued saves that empty turn; the short
// bound keeps a send that did not complete from delaying everybody else's completions.
Result<> Loop::wait(std::chrono::nanoseconds wait_max) noexcept {
  const unsigned quiet_sends = std::exchange(quiet_sends_, 0);
  if (batch_was_full_ || jobs_waiting_.load(std::memory_order_acquire)) {
    wait_max = std::chrono::nanoseconds::zero();
  }
  auto bound = std::min(wait_max, timers_.until_next(now_));
  if (quiet_sends > 0) bound = std::min(bound, send_wait);
  return ring_->submit_and_wait(quiet_sends + 1, bound);
}

Result<> Loop::submit() noexcept {
  if (!ring_->queued()) return {};
  return ring_->submit_and_wait(0, std::chrono::nanoseconds::zero());
}

void Loop::read_clocks() noexcept {
  now_ = ring_->now();
  unix_seconds_ = ring_->unix_seconds();
}

void Loop::defer(Deferred& deferred) noexcept {
  if (deferred.linked_) return;
  deferred.linked_ = true;
  deferred.next_ = nullptr;
  (deferred_tail_ == nullptr ? deferred_head_ : deferred_tail_->next_) = &deferred;
  deferred_tail_ = &deferred;
}

void Loop::run_deferred() noexcept {
  while (deferred_head_ != nullptr) {
    Deferred& deferred = *deferred_head_;
    deferred_head_ = deferred.next_;
    if (deferred_head_ == nullptr) deferred_tail_ = nullptr;
    deferred.linked_ = false;
    deferred.run_(deferred.owner_);
  }
}

bool Loop::post(Job job) noexcept {
  {
    const std::lock_guard lock(jobs_mutex_);
    if (posts_closed_) return false;
    jobs_.push_back(std::move(job));
    jobs_waiting_.store(true, std::memory_order_release);
  }
  wake();
  return true;
}

void Loop::close_posts() noexcept {
  {
    const std::lock_guard lock(jobs_mutex_);
    posts_closed_ = true;
  }
  run_jobs();
}

void Loop::run_jobs() noexcept {
  {
    const std::lock_guard lock(jobs_mutex_);
    running_jobs_.swap(jobs_);
    jobs_waiting_.store(false, std::memory_order_release);
  }
  for (Job& job : running_jobs_) job();
  running_jobs_.clear();
}

} // namespace ringfort::engine
