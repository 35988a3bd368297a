// call_waiter — whose coroutine a call belongs to: an exchange's or an errand's.
#pragma once

#include <coroutine>
#include <optional>

#include <ringfort/error.hpp>

namespace ringfort::net {

/// Where: one shard.
class CallWaiter {
public:
  /// Its coroutine waits until on_call(), or until it cannot wait any longer.
  virtual void wait_for_call(std::coroutine_handle<> waiting) noexcept = 0;
  /// What it waits for may be there. No notice is taken when it does not wait.
  virtual void on_call() noexcept = 0;
  /// Why it may wait no longer, if that is so.
  virtual std::optional<Error> call_refusal() const noexcept = 0;

protected:
  ~CallWaiter() = default;
};

} // namespace ringfort::net
