// bound — a field of options against its range.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <span>

#include <ringfort/error.hpp>

namespace ringfort::net {

/// `power` asks for a power of two.
struct Bound {
  std::int64_t value;
  std::int64_t least;
  std::int64_t most;
  bool power = false;

  bool holds() const noexcept {
    if (value < least || value > most) return false;
    return !power || std::has_single_bit(static_cast<std::uint64_t>(value));
  }
};

inline constexpr std::int64_t day_ms = 24 * 60 * 60 * 1'000;

inline Bound timeout(std::chrono::milliseconds value) noexcept {
  return {value.count(), 1, day_ms};
}

inline Bound timeout_or_off(std::chrono::milliseconds value) noexcept {
  return {value.count(), 0, day_ms};
}

/// Errors: config.invalid; the detail is the number of the bound that is broken, when the first has
/// number `first`.
inline Result<> check_all(std::span<const Bound> bounds, std::int32_t first) noexcept {
  const auto broken =
      std::ranges::find_if(bounds, [](const Bound& bound) { return !bound.holds(); });
  if (broken == bounds.end()) return {};
  return fail(Code::config_invalid, first + static_cast<std::int32_t>(broken - bounds.begin()));
}

} // namespace ringfort::net
