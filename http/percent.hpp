// percent — text with percent-encoded bytes, byte by byte (RFC 3986 section 2.1).
#pragma once

#include <cstddef>
#include <string_view>

namespace ringfort::http {

/// -1 for what is no hexadecimal digit.
constexpr int hexadecimal(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Reads text as the bytes that it stands for.
class PercentReader {
public:
  explicit constexpr PercentReader(std::string_view text) noexcept : text_(text) {}

  constexpr bool ended() const noexcept { return text_.empty(); }
  /// The next byte. A percent sign that begins no byte stands for itself, and malformed() is true.
  constexpr char next() noexcept {
    const char first = text_.front();
    const int high = first == '%' && text_.size() > 2 ? hexadecimal(text_[1]) : -1;
    const int low = high >= 0 ? hexadecimal(text_[2]) : -1;
    malformed_ = malformed_ || (first == '%' && low < 0);
    text_.remove_prefix(low >= 0 ? 3 : 1);
    return low >= 0 ? static_cast<char>(high * 16 + low) : first;
  }
  constexpr bool malformed() const noexcept { return malformed_; }

private:
  std::string_view text_;
  bool malformed_ = false;
};

} // namespace ringfort::http
