// liveness — whether all shards of a running engine turn: asked once more than they need to accept,
// and from then on for a watchdog.
#pragma once

#include <chrono>
#include <functional>

#include <ringfort/engine.hpp>

#include "cli/descriptor.hpp"
#include "cli/polling_thread.hpp"

namespace ringfort::cli {

class Liveness {
public:
  /// Calls `accepting` once, when every shard accepts, and then `alive` each `interval`, unless
  /// that is zero, as long as every shard answers in between: one that is stuck ends it. Neither
  /// where a shard has ended before. Both in a thread of its own. False, with errno set.
  /// Borrow: the engine, until finish(); the engine's shards this, for the engine's life.
  bool start(Engine& engine, std::chrono::milliseconds interval, std::function<void()> accepting,
             std::function<void()> alive);
  void finish() { thread_.finish(); }

private:
  void watch() const;
  bool has_ended() const;
  bool hear_all() const;

  Engine* engine_ = nullptr;
  std::chrono::milliseconds interval_{0};
  std::function<void()> accepting_;
  std::function<void()> alive_;
  Descriptor answers_; ///< eventfd(2), a semaphore: one for each shard that has answered
  PollingThread thread_;
};

} // namespace ringfort::cli
