// errand — a coroutine of a shard's that serves no request: what a program does with a client.
#pragma once

#include <chrono>
#include <coroutine>

#include <ringfort/arena.hpp>
#include <ringfort/error.hpp>

namespace ringfort {

class Errand;
class Shard;

/// `co_await` answers after a time.
class [[nodiscard]] ErrandSleepAwait {
public:
  ErrandSleepAwait(Errand& errand, std::chrono::milliseconds time) noexcept
      : errand_(errand), time_(time) {}
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<> await_resume() const noexcept;

private:
  Errand& errand_;
  std::chrono::milliseconds time_;
};

/// What its coroutine has instead of an exchange: `Task<> work(Errand& errand)`, started by
/// Shard::run. The shard does not end before it has.
/// Where: one shard.
class Errand {
public:
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  /// Where the frame lies, and what lives as long as it.
  Arena& arena() noexcept;
  Shard& shard() noexcept;
  /// The engine drains: the sooner this errand ends, the better.
  bool draining() const noexcept;
  /// Waits for a time, rounded up to 10 ms. Errors: call.ended, when the drain's grace is over.
  ErrandSleepAwait sleep(std::chrono::milliseconds time) noexcept { return {*this, time}; }

protected:
  Errand() noexcept = default;
  ~Errand() = default;
};

} // namespace ringfort
