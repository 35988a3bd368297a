// Range fields and what is sent for them, and the parts of a multipart answer.
#include "http/byte_ranges.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "http/multipart.hpp"

namespace ringfort::http {
namespace {

using Kind = ByteRanges::Kind;

struct Row {
  std::string field;
  std::uint64_t size;
  std::vector<ByteRange> ranges; ///< of a partial answer
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.field, row.size);
    const ByteRanges ranges(row.field, row.size);
    CHECK(ranges.kind() == Kind::partial);
    CHECK(std::vector<ByteRange>(ranges.all().begin(), ranges.all().end()) == row.ranges);
  }
}

void check_all(Kind kind, std::uint64_t size, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    CAPTURE(field, size);
    const ByteRanges ranges(field, size);
    CHECK(ranges.kind() == kind);
    CHECK(ranges.all().empty());
  }
}

TEST_CASE("ranges: one range, open at either end, and clipped to what is there") {
  check({
      {"bytes=0-0", 1, {{0, 0}}},
      {"bytes=0-99", 1'000, {{0, 99}}},
      {"bytes=500-", 1'000, {{500, 999}}},
      {"bytes=-1", 1'000, {{999, 999}}},
      {"bytes=-1000", 1'000, {{0, 999}}},
      {"bytes=-1001", 1'000, {{0, 999}}},
      {"bytes=990-2000", 1'000, {{990, 999}}},
      {"bytes=0-18446744073709551615", 10, {{0, 9}}},
      {"bytes=0-99999999999999999999999", 10, {{0, 9}}},
      {"bytes=-99999999999999999999999", 10, {{0, 9}}},
      {"BYTES=1-2", 10, {{1, 2}}},
      {"bytes= 1-2 ", 10, {{1, 2}}},
      {"bytes=007-08", 10, {{7, 8}}},
  });
}

TEST_CASE("ranges: several in their own order, those behind the end left out") {
  check({
      {"bytes=0-0,2-3", 10, {{0, 0}, {2, 3}}},
      {"bytes=8-9 ,\t0-1", 10, {{8, 9}, {0, 1}}},
      {"bytes=,0-0,,2-3,", 10, {{0, 0}, {2, 3}}},
      {"bytes=0-0,10-11,-1", 10, {{0, 0}, {9, 9}}},
      {"bytes=0-1,2-3", 10, {{0, 1}, {2, 3}}},
  });
}

TEST_CASE("ranges: none that is there is unsatisfiable") {
  check_all(Kind::unsatisfiable, 10,
            {"bytes=10-", "bytes=10-10", "bytes=-0", "bytes=10-,20-30", "bytes=-0,99-",
             "bytes=18446744073709551616-"});
  check_all(Kind::unsatisfiable, 0, {"bytes=0-", "bytes=0-0", "bytes=-0"});
}

TEST_CASE("ranges: what is malformed, of another unit or of nothing at all is ignored") {
  check_all(Kind::whole, 10,
            {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1",
             "bytes=1-2-3", "bytes=+1-2", "bytes=1-2x", "bytes=0x1-2", "bytes=1 - 2", "lines=1-2",
             "bytes:1-2", "bytes=0-0,x", "bytes=0-0;1-1", "bytes=--1"});
  check_all(Kind::whole, 0, {"bytes=-5"}); // All of nothing.
}

TEST_CASE("ranges: two that overlap are ignored, and so are more than sixteen") {
  check_all(Kind::whole, 1'000, {"bytes=0-10,10-20", "bytes=5-,0-5", "bytes=-1,0-", "bytes=0-,0-"});
  std::string field = "bytes=0-0";
  for (std::size_t count = 1; count < ranges_max; ++count) {
    field.append(",").append(std::to_string(count * 10)).append("-");
    field.append(std::to_string(count * 10 + 1));
  }
  CHECK(ByteRanges(field, 1'000).all().size() == ranges_max);
  check_all(Kind::whole, 1'000, {field + ",900-901", field + ",5000-"});
}

TEST_CASE("ranges: Content-Range says which they are, of how many bytes") {
  CHECK(content_range({0, 99}, 200).view() == "bytes 0-99/200");
  CHECK(unsatisfied_range(0).view() == "bytes */0");
  constexpr std::uint64_t largest = ~std::uint64_t{0};
  CHECK(content_range({largest, largest}, largest).whole());
}

TEST_CASE("multipart: each part has its type and range, and the length is that of all bytes") {
  MultipartRanges::Boundary boundary;
  boundary.fill('b');
  const std::string line(32, 'b');
  const MultipartRanges parts(boundary, "text/plain", 10);
  CHECK(parts.content_type().view() == "multipart/byteranges; boundary=" + line);
  const std::vector<ByteRange> ranges{{0, 0}, {8, 9}};
  const std::string body = std::string(parts.head(ranges[0]).view()) + "0" +
                           std::string(parts.head(ranges[1]).view()) + "89" +
                           std::string(parts.end().view());
  CHECK(body == "\r\n--" + line + "\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-0/10" +
                    "\r\n\r\n0\r\n--" + line +
                    "\r\ncontent-type: text/plain\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--" +
                    line + "--\r\n");
  CHECK(parts.content_length(ranges) == body.size());
}

TEST_CASE("multipart: the longest head there can be is whole") {
  const std::string type(128, 't');
  constexpr std::uint64_t largest = ~std::uint64_t{0};
  const MultipartRanges parts({}, type, largest);
  CHECK(parts.head({largest, largest}).whole());
  CHECK(parts.content_type().whole());
}

} // namespace
} // namespace ringfort::http
