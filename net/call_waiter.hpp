// call_waiter — whose coroutines calls belong to: an exchange's or an errand's.
#pragma once

#include <coroutine>
#include <optional>
#include <span>
#include <utility>

#include <ringfort/check.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

namespace ringfort::net {

/// A coroutine that waits for something of a call, or none.
class CallWait {
public:
  CallWait() noexcept = default;
  CallWait(const CallWait&) = delete;
  CallWait& operator=(const CallWait&) = delete;
  ~CallWait() { RINGFORT_CHECK(!waits()); }

  bool waits() const noexcept { return coroutine_ != nullptr; }

private:
  friend class CallWaiter;

  std::coroutine_handle<> coroutine_;
  CallWait* next_ = nullptr;
};

/// Where: one shard.
class CallWaiter {
public:
  /// The coroutine waits until end_call_wait(), or until it can wait no longer.
  void begin_call_wait(CallWait& wait, std::coroutine_handle<> waiting) noexcept {
    RINGFORT_CHECK(!wait.waits()); // One await of a kind at a time.
    wait.coroutine_ = waiting;
    wait.next_ = std::exchange(first_, &wait);
  }
  /// Answers the coroutine, which then waits no longer; null: none did.
  std::coroutine_handle<> end_call_wait(CallWait& wait) noexcept {
    if (!wait.waits()) return {};
    CallWait** place = &first_;
    while (*place != &wait) place = &(*place)->next_;
    *place = std::exchange(wait.next_, nullptr);
    return std::exchange(wait.coroutine_, {});
  }
  /// Says that calls may send these fields as they are: each was taken by the parser or made here,
  /// none is the engine's, and none is Host. Borrow: as long as the waiter.
  void vouch_for(std::span<const Field> fields) noexcept { vouched_ = fields; }
  bool vouches_for(std::span<const Field> fields) const noexcept {
    return fields.data() == vouched_.data() && fields.size() == vouched_.size();
  }
  /// Goes on with a coroutine that has waited. It may be the end of its calls.
  virtual void go_on(std::coroutine_handle<> waited) noexcept = 0;
  /// Why it may wait no longer, if that is so.
  virtual std::optional<Error> call_refusal() const noexcept = 0;

protected:
  ~CallWaiter() = default;

  bool waits_for_calls() const noexcept { return first_ != nullptr; }
  std::coroutine_handle<> end_first_call_wait() noexcept {
    RINGFORT_CHECK(waits_for_calls());
    return end_call_wait(*first_);
  }

private:
  CallWait* first_ = nullptr;
  std::span<const Field> vouched_;
};

} // namespace ringfort::net
