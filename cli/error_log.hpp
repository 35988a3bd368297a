// error_log — failures as lines, at most ten of a kind in a second.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <mutex>

#include <ringfort/engine.hpp>

#include "cli/log_file.hpp"

namespace ringfort::cli {

/// One line: time, level, stage.name, and what is known, as key=value.
/// Where: any thread.
class ErrorLog {
public:
  /// Borrow: `file` as long as this.
  explicit ErrorLog(LogFile& file) : file_(file) {}

  void write(const ErrorReport& report);
  /// Says what was left out and not yet said.
  void finish();

private:
  static constexpr std::uint32_t lines_per_second_max = 10;

  struct Kind {
    std::time_t second = 0;
    std::uint32_t lines = 0;
    std::uint64_t left_out = 0;
  };

  void say_left_out(Kind& kind, Code code);

  LogFile& file_;
  std::mutex mutex_;
  std::array<Kind, fault_count> kinds_{};
};

} // namespace ringfort::cli
