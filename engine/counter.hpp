// counter — a count with one writer and any number of readers: no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringfort::engine {

/// Where: written by its shard's thread alone, read by any.
class Counter {
public:
  // Less code than a call, wherever it is.
  [[gnu::always_inline]] void operator++() noexcept { *this += 1; }
  [[gnu::always_inline]] void operator--() noexcept { store(*this - 1); }
  [[gnu::always_inline]] void operator+=(std::uint64_t more) noexcept { store(*this + more); }
  operator std::uint64_t() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  [[gnu::always_inline]] void store(std::uint64_t value) noexcept {
    value_.store(value, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> value_{0};
};

} // namespace ringfort::engine
