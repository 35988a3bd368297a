// waits — the coroutines of one exchange that wait, at most one for each reason.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::net {

/// Reason: an enum whose last enumerator is `count`.
template <class Reason>
class Waits {
public:
  bool on(Reason reason) const noexcept { return coroutines_[index(reason)] != nullptr; }

  void begin(Reason reason, std::coroutine_handle<> waiting) noexcept {
    RINGFORT_CHECK(!on(reason)); // One await of a kind at a time.
    coroutines_[index(reason)] = waiting;
  }

  /// Answers the coroutine, which then waits no longer; null: none did.
  std::coroutine_handle<> end(Reason reason) noexcept {
    return std::exchange(coroutines_[index(reason)], {});
  }

private:
  static constexpr std::size_t index(Reason reason) noexcept {
    return static_cast<std::size_t>(reason);
  }

  std::array<std::coroutine_handle<>, static_cast<std::size_t>(Reason::count)> coroutines_;
};

} // namespace ringfort::net
