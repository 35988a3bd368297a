// What a request says of a file, tried with each line: for any bytes the path stays below the root,
// ranges within the file and apart from each other, and the rest is read to its end.
#include <array>
#include <string_view>

#include <ringfort/check.hpp>

#include "http/byte_ranges.hpp"
#include "http/conditions.hpp"
#include "http/date.hpp"
#include "http/file_path.hpp"
#include "http/negotiation.hpp"
#include "http/route_table.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/target.hpp"

namespace ringfort::http {
namespace {

void check_path(std::string_view text, bool dot_files) {
  std::array<char, 64> space;
  const FilePath found = decode_file_path(text, dot_files, space);
  if (found.kind != FilePath::Kind::usable) return;
  std::string_view path(space.data(), found.bytes);
  RINGFORT_CHECK(!path.contains('\0') && !path.starts_with('/'));
  while (!path.empty()) {
    const std::string_view segment = take_segment(path);
    RINGFORT_CHECK(!segment.empty() && segment != "." && segment != "..");
    const bool hidden = segment.starts_with('.') && segment != ".well-known";
    RINGFORT_CHECK(dot_files || !hidden);
  }
}

void check_ranges(std::string_view text, std::uint64_t size) {
  const ByteRanges ranges(text, size);
  RINGFORT_CHECK(ranges.all().empty() == (ranges.kind() != ByteRanges::Kind::partial));
  std::uint64_t bytes = 0;
  for (const ByteRange& range : ranges.all()) {
    RINGFORT_CHECK(range.first <= range.last && range.last < size);
    bytes += range.bytes() * (fuzz::planted() ? 2 : 1);
  }
  RINGFORT_CHECK(bytes <= size); // As they do not overlap.
}

void check_fields(std::string_view text) {
  const std::array fields{Field{"if-none-match", text}, Field{"if-match", text},
                          Field{"if-range", text}, Field{"accept-encoding", text}};
  const Validators current{.entity_tag = "\"a\"", .last_modified = 1, .now = 2};
  (void)evaluate(Method::get, Fields(fields), current);
  (void)range_applies(Fields(fields), current);
  RINGFORT_CHECK(CodingPreference(Fields(fields)).order().back() == ContentCoding::identity);
  if (const auto date = parse_date(text, 0)) {
    const DateText again = date_text(*date);
    RINGFORT_CHECK(parse_date({again.data(), again.size()}, 0) == date);
  }
}

} // namespace
} // namespace ringfort::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace ringfort;
  using namespace ringfort::http;
  if (bytes < 1) return 0;
  for (const std::string_view line : fuzz::lines_of(fuzz::text_after_choice(data, bytes))) {
    check_path(line, data[0] % 2 == 0);
    check_ranges(line, data[0]);
    check_fields(line);
  }
  return 0;
}
