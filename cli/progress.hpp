// progress — how much of a body has come, as one line of a terminal that changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ringfort::cli {

/// On standard error. Silent when that is no terminal.
class Progress {
public:
  /// `total_bytes` where it is known.
  explicit Progress(std::optional<std::uint64_t> total_bytes);

  void add(std::uint64_t bytes);
  /// Leaves the last state on a line of its own.
  void finish();

private:
  using Clock = std::chrono::steady_clock;

  void draw(Clock::time_point now) const;

  bool silent_;
  std::optional<std::uint64_t> total_bytes_;
  std::uint64_t bytes_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
};

} // namespace ringfort::cli
