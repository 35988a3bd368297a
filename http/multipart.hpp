// multipart — several ranges in one body (RFC 9110 section 14.6, RFC 2046 section 5.1).
#pragma once

#include <cstdint>
#include <array>
#include <span>
#include <string_view>

#include "http/byte_ranges.hpp"
#include "http/short_text.hpp"

namespace ringfort::http {

/// multipart/byteranges of one representation. Borrow: its views, as long as it is used.
class MultipartRanges {
public:
  using Text = ShortText<384>;
  /// 32 random letters: no part's own bytes look like it.
  using Boundary = std::array<char, 32>;

  MultipartRanges() noexcept = default;
  /// `type` of at most 128 bytes, of the representation of `size` bytes.
  MultipartRanges(const Boundary& boundary, std::string_view type, std::uint64_t size) noexcept
      : boundary_(boundary), type_(type), size_(size) {}

  /// The value of Content-Type.
  Text content_type() const noexcept;
  /// What is sent before the bytes of a range.
  Text head(const ByteRange& range) const noexcept;
  /// What is sent after the last.
  Text end() const noexcept;
  /// Of a body with these ranges.
  std::uint64_t content_length(std::span<const ByteRange> ranges) const noexcept;

private:
  std::string_view boundary() const noexcept { return {boundary_.data(), boundary_.size()}; }

  Boundary boundary_{};
  std::string_view type_;
  std::uint64_t size_ = 0;
};

} // namespace ringfort::http
