// date — the Date field's line, made once per second.
#pragma once

#include <array>
#include <cstdint>

namespace ringfort::http {

/// "date: Sun, 06 Nov 1994 08:49:37 GMT" and CRLF: an IMF-fixdate (RFC 9110 section 5.6.7).
using DateLine = std::array<char, 37>;

/// Where: one shard.
class Date {
public:
  /// Borrow: until the next call with another second.
  /// Cost: a comparison while the second is the same.
  const DateLine& at(std::int64_t unix_seconds) noexcept {
    if (unix_seconds != seconds_) write(unix_seconds);
    return line_;
  }

private:
  void write(std::int64_t unix_seconds) noexcept;

  std::int64_t seconds_ = INT64_MIN;
  DateLine line_{};
};

} // namespace ringfort::http
