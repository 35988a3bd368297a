#include "http/byte_ranges.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <ringfort/message.hpp>

#include "http/letters.hpp"
#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

/// Digits only; a number that does not fit is the largest that does, which no size reaches.
std::optional<std::uint64_t> number_of(std::string_view digits) noexcept {
  if (digits.empty() || !all_are(digits, digit_letter)) return {};
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return parsed.ec == std::errc{} ? number : std::numeric_limits<std::uint64_t>::max();
}

struct Specifier {
  std::optional<std::uint64_t> first; ///< none: the last so many bytes
  std::optional<std::uint64_t> last;
};

/// Nothing when it is malformed.
std::optional<Specifier> specifier_of(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, dash);
  const std::string_view behind = text.substr(dash + 1);
  const Specifier specifier{number_of(before), number_of(behind)};
  if (!before.empty() && !specifier.first) return {};
  if (!behind.empty() && !specifier.last) return {};
  if (!specifier.first && !specifier.last) return {};
  if (specifier.first && specifier.last && *specifier.last < *specifier.first) return {};
  return specifier;
}

/// Nothing when no byte of it is there.
std::optional<ByteRange> range_of(const Specifier& specifier, std::uint64_t size) noexcept {
  if (size == 0) return {};
  if (!specifier.first) {
    if (*specifier.last == 0) return {};
    return ByteRange{size - std::min(*specifier.last, size), size - 1};
  }
  if (*specifier.first >= size) return {};
  return ByteRange{*specifier.first, std::min(specifier.last.value_or(size - 1), size - 1)};
}

} // namespace

ByteRanges::ByteRanges(std::string_view field, std::uint64_t size) noexcept {
  const std::string_view unit = take_until(field, '=');
  if (!same_name(unit, "bytes") || !read(field, size)) {
    count_ = 0;
  } else {
    kind_ = count_ > 0 ? Kind::partial : Kind::unsatisfiable;
  }
}

/// False when the field is to be ignored.
bool ByteRanges::read(std::string_view specifiers, std::uint64_t size) noexcept {
  std::size_t seen = 0;
  while (!specifiers.empty()) {
    const std::string_view text = take_until(specifiers, ',');
    if (text.empty()) continue; // A list may have empty members.
    const auto specifier = specifier_of(text);
    if (!specifier || ++seen > ranges_max) return false;
    // The last bytes of nothing can be sent, but not be named in a Content-Range.
    if (size == 0 && !specifier->first && *specifier->last > 0) return false;
    const auto range = range_of(*specifier, size);
    if (!range) continue;
    if (overlaps(*range)) return false;
    ranges_[count_++] = *range;
  }
  return seen > 0;
}

bool ByteRanges::overlaps(const ByteRange& range) const noexcept {
  return std::ranges::any_of(all(), [&range](const ByteRange& other) {
    return range.first <= other.last && other.first <= range.last;
  });
}

ContentRange content_range(const ByteRange& range, std::uint64_t size) noexcept {
  return ContentRange().add("bytes ").add(range.first).add("-").add(range.last).add("/").add(size);
}

ContentRange unsatisfied_range(std::uint64_t size) noexcept {
  return ContentRange().add("bytes */").add(size);
}

} // namespace ringfort::http
