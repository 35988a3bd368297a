// date — the Date field's line, made once per second, and dates as other fields have them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

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

/// "Sun, 06 Nov 1994 08:49:37 GMT"
using DateText = std::array<char, 29>;
DateText date_text(std::int64_t unix_seconds) noexcept;

/// Seconds since 1970 of an HTTP-date in any of its three forms; nothing when it is none of them or
/// no day of the calendar. A year of two digits is the one within 50 years of `now`.
std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now) noexcept;

} // namespace ringfort::http
