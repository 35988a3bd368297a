// byte_ranges — which parts of a representation a Range field asks for (RFC 9110 section 14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/short_text.hpp"

namespace ringfort::http {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0; ///< inclusive

  std::uint64_t bytes() const noexcept { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// More in one field are not looked at: the whole is sent.
inline constexpr std::size_t ranges_max = 16;

/// What to send.
class ByteRanges {
public:
  enum class Kind : std::uint8_t {
    whole,         ///< 200: the field is malformed, of another unit, or better ignored
    partial,       ///< 206
    unsatisfiable, ///< 416
  };

  ByteRanges() noexcept = default;
  /// Of a representation of `size` bytes, the ranges of `field` in its order, those left out that
  /// begin behind the end. A field with more than ranges_max ranges, or with two that overlap, is
  /// ignored, as section 14.2 allows.
  ByteRanges(std::string_view field, std::uint64_t size) noexcept;

  Kind kind() const noexcept { return kind_; }
  /// Not empty when it is partial.
  std::span<const ByteRange> all() const noexcept { return {ranges_.data(), count_}; }

private:
  bool read(std::string_view specifiers, std::uint64_t size) noexcept;
  bool overlaps(const ByteRange& range) const noexcept;

  std::array<ByteRange, ranges_max> ranges_;
  std::size_t count_ = 0;
  Kind kind_ = Kind::whole;
};

using ContentRange = ShortText<72>;

/// "bytes 0-99/200"
ContentRange content_range(const ByteRange& range, std::uint64_t size) noexcept;
/// "bytes */200"
ContentRange unsatisfied_range(std::uint64_t size) noexcept;

} // namespace ringfort::http
