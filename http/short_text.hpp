// short_text — a text of bounded length, put together without an allocation.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringfort::http {

/// What does not fit is left out, and whole() says so. Borrow: view() as long as this, unchanged.
template <std::size_t BytesMax>
class ShortText {
public:
  ShortText& add(std::string_view text) noexcept {
    const std::size_t fits = std::min(text.size(), BytesMax - bytes_);
    whole_ = whole_ && fits == text.size();
    bytes_ += text.copy(text_.data() + bytes_, fits);
    return *this;
  }
  ShortText& add(std::uint64_t number, int base = 10) noexcept {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    return add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }

  std::string_view view() const noexcept { return {text_.data(), bytes_}; }
  bool empty() const noexcept { return bytes_ == 0; }
  bool whole() const noexcept { return whole_; }

private:
  std::array<char, BytesMax> text_;
  std::size_t bytes_ = 0;
  bool whole_ = true;
};

} // namespace ringfort::http
