// date — the Date field's text, made once per second.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringfort::http {

/// IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
/// Where: one shard.
class Date {
public:
  static constexpr std::size_t text_bytes = 29;

  /// Borrow: until the next call with another second.
  /// Cost: a comparison while the second is the same.
  std::string_view at(std::int64_t unix_seconds) noexcept {
    if (unix_seconds != seconds_) write(unix_seconds);
    return {text_.data(), text_.size()};
  }

private:
  void write(std::int64_t unix_seconds) noexcept;

  std::int64_t seconds_ = INT64_MIN;
  std::array<char, text_bytes> text_{};
};

} // namespace ringfort::http
