// errand_state — what stands behind a public Errand: its coroutine, at the front of a block whose
// rest is the errand's arena.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>

#include <ringfort/errand.hpp>
#include <ringfort/task.hpp>

#include "engine/blocks.hpp"
#include "engine/timer_wheel.hpp"
#include "net/call_waiter.hpp"

namespace ringfort::net {

class ServingShard;

/// Where: one shard. Immovable: its coroutine holds references to it.
class ErrandState final : public Errand, public CallWaiter {
public:
  using Work = std::move_only_function<Task<>(Errand&)>;

  ErrandState(ServingShard& shard, engine::Block block, Work work) noexcept;
  ErrandState(const ErrandState&) = delete;
  ErrandState& operator=(const ErrandState&) = delete;
  ~ErrandState();

  /// In a block of its own. Null: none is left.
  static ErrandState* create(ServingShard& shard, Work work) noexcept;
  /// Its block goes back.
  static void destroy(ErrandState& errand) noexcept;

  /// Runs it until it first waits.
  void start() noexcept;
  /// The drain's grace is over: what it waits for fails.
  void cut() noexcept;

  Arena& arena() noexcept { return arena_; }
  ServingShard& shard() noexcept { return shard_; }
  void wait_for_time(std::coroutine_handle<> waiting, std::chrono::milliseconds time) noexcept;

  void go_on(std::coroutine_handle<> waited) noexcept override;
  std::optional<Error> call_refusal() const noexcept override;

private:
  void on_slept() noexcept;
  void after_it_ran() noexcept;

  ServingShard& shard_;
  engine::Block block_;
  Arena arena_;
  Work work_; ///< a lambda's captures live as long as its coroutine
  Task<> task_;
  std::coroutine_handle<> sleeping_;
  engine::Timer timer_;
  bool cut_ = false;
  bool cutting_ = false; ///< those that waited go on one after the other
};

} // namespace ringfort::net
