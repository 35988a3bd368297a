#include "cli/liveness.hpp"

#include <cstdint>
#include <memory>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::cli {

using Woken = PollingThread::Woken;

namespace {

/// Adds one to what is counted, an eventfd(2), when a job is over: run, or dropped by a shard that
/// has ended.
struct AddOne {
  void operator()(const Descriptor* counted) const { raise(*counted); }
};
using Answer = std::unique_ptr<const Descriptor, AddOne>;

} // namespace

bool Liveness::start(Engine& engine, std::chrono::milliseconds interval,
                     std::function<void()> accepting, std::function<void()> alive) {
  answers_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK));
  if (!answers_) return false;
  engine_ = &engine;
  interval_ = interval;
  accepting_ = std::move(accepting);
  alive_ = std::move(alive);
  return thread_.start([this] { watch(); });
}

// A shard's first turn runs what was posted and arms its accepts; they have gone to the kernel when
// it runs what was posted after that.
void Liveness::watch() const {
  if (!hear_all() || !hear_all() || has_ended()) return;
  accepting_();
  if (interval_ == interval_.zero()) return;
  const auto interval_ms = static_cast<int>(interval_.count());
  while (thread_.wait_for(answers_.get(), interval_ms) == Woken::quiet) {
    if (!hear_all()) return;
    alive_();
  }
}

/// A shard has, for instance because the program was told to end while it started.
bool Liveness::has_ended() const {
  for (unsigned index = 0; index < engine_->shard_count(); ++index) {
    if (engine_->shard(index).ended()) return true;
  }
  return false;
}

/// Waits until each shard has answered, or has ended. False: the thread shall end.
bool Liveness::hear_all() const {
  const unsigned count = engine_->shard_count();
  for (unsigned index = 0; index < count; ++index) {
    (void)engine_->shard(index).post([answer = Answer(&answers_)] {});
  }
  for (unsigned heard = 0; heard < count; ++heard) {
    if (thread_.wait_for(answers_.get()) == Woken::end) return false;
    std::uint64_t one = 0;
    [[maybe_unused]] const auto taken = ::read(answers_.get(), &one, sizeof one);
  }
  return true;
}

} // namespace ringfort::cli
