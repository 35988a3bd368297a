// Preconditions, the dates in them, and content codings.
#include "http/conditions.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "http/date.hpp"
#include "http/negotiation.hpp"

namespace ringfort::http {
namespace {

using enum Precondition;

constexpr std::int64_t modified = 784'111'777;
constexpr std::string_view at = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view behind = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr Validators strong{.entity_tag = R"("a")", .last_modified = modified, .now = 900'000'000};
constexpr Validators weak{.entity_tag = R"(W/"a")", .last_modified = modified, .now = 900'000'000};

struct Row {
  std::vector<Field> fields;
  Precondition wanted;
};

void check(Method method, const Validators& current, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const Field& field : row.fields) UNSCOPED_INFO(field.name << ": " << field.value);
    CHECK(evaluate(method, Fields(row.fields), current) == row.wanted);
  }
}

TEST_CASE("conditions: If-None-Match lists tags, compared weakly, on one line or several") {
  const std::vector<Row> rows{
      {{{"if-none-match", R"("a")"}}, not_modified},
      {{{"If-None-Match", R"(W/"a")"}}, not_modified},
      {{{"if-none-match", R"("b", "a")"}}, not_modified},
      {{{"if-none-match", R"("b","c,d" ,W/"a")"}}, not_modified},
      {{{"if-none-match", R"("b")"}, {"if-none-match", R"("a")"}}, not_modified},
      {{{"if-none-match", "*"}}, not_modified},
      {{{"if-none-match", " * "}}, not_modified},
      {{{"if-none-match", R"("b")"}}, holds},
      {{{"if-none-match", R"("A")"}}, holds},
      {{{"if-none-match", "a"}}, holds},
      {{{"if-none-match", R"("a)"}}, holds},
      {{{"if-none-match", R"(w/"a")"}}, holds},
      {{{"if-none-match", ""}}, holds},
      {{{"if-none-match", R"(x, "a")"}}, holds},
      {{}, holds},
  };
  check(Method::get, strong, rows);
  check(Method::head, weak, rows);
  check(Method::put, strong, {{{{"if-none-match", "*"}}, failed}});
}

TEST_CASE("conditions: If-Match compares strongly, so that a weak tag never matches") {
  check(Method::get, strong,
        {{{{"if-match", R"("a")"}}, holds},
         {{{"if-match", R"("b", "a")"}}, holds},
         {{{"if-match", "*"}}, holds},
         {{{"if-match", R"(W/"a")"}}, failed},
         {{{"if-match", R"("b")"}}, failed},
         {{{"if-match", "junk"}}, failed}});
  check(Method::get, weak,
        {{{{"if-match", R"("a")"}}, failed}, {{{"if-match", R"(W/"a")"}}, failed}});
}

TEST_CASE("conditions: dates are compared by the second, and what is none is ignored") {
  check(Method::get, strong,
        {{{{"if-modified-since", at}}, not_modified},
         {{{"if-modified-since", behind}}, not_modified},
         {{{"if-modified-since", before}}, holds},
         {{{"if-modified-since", "yesterday"}}, holds},
         {{{"if-unmodified-since", at}}, holds},
         {{{"if-unmodified-since", before}}, failed},
         {{{"if-unmodified-since", "yesterday"}}, holds}});
  check(Method::post, strong, {{{{"if-modified-since", at}}, holds}});
}

TEST_CASE("conditions: they are taken in the order of RFC 9110 section 13.2.2") {
  check(Method::get, strong,
        {{{{"if-match", R"("a")"}, {"if-unmodified-since", before}}, holds},
         {{{"if-match", R"("b")"}, {"if-none-match", R"("a")"}}, failed},
         {{{"if-match", R"("a")"}, {"if-none-match", R"("a")"}}, not_modified},
         {{{"if-unmodified-since", before}, {"if-none-match", R"("a")"}}, failed},
         {{{"if-none-match", R"("b")"}, {"if-modified-since", at}}, holds},
         {{{"if-none-match", R"("a")"}, {"if-modified-since", before}}, not_modified}});
}

TEST_CASE("conditions: If-Range wants the same strong tag, or the very date of something settled") {
  const auto applies = [](std::string_view value, const Validators& current) {
    const std::vector<Field> fields{{"if-range", value}};
    return range_applies(Fields(fields), current);
  };
  CHECK(range_applies({}, weak));
  CHECK(applies(R"("a")", strong));
  CHECK(applies(at, strong));
  for (const std::string_view value :
       {std::string_view(R"("b")"), std::string_view(R"(W/"a")"), std::string_view(R"("a", "b")"),
        std::string_view("*"), std::string_view("a"), before, behind}) {
    CAPTURE(value);
    CHECK_FALSE(applies(value, strong));
  }
  CHECK_FALSE(applies(R"("a")", weak));
  CHECK_FALSE(applies(R"(W/"a")", weak));
  Validators fresh = strong;
  fresh.now = modified; // It may change again within this second.
  CHECK_FALSE(applies(at, fresh));
}

TEST_CASE("date: the three forms of an HTTP-date are read, and nothing else") {
  constexpr std::int64_t now = 1'700'000'000; // 2023
  for (const std::string_view text : {at, std::string_view("Sunday, 06-Nov-94 08:49:37 GMT"),
                                      std::string_view("Sun Nov  6 08:49:37 1994")}) {
    CAPTURE(text);
    CHECK(parse_date(text, now) == modified);
  }
  CHECK(parse_date("Wednesday, 15-Nov-23 00:00:00 GMT", now) == 1'700'006'400);
  CHECK(parse_date("Saturday, 01-Jan-72 00:00:00 GMT", now) == 3'218'832'000); // 2072
  CHECK(parse_date("Tuesday, 01-Jan-74 00:00:00 GMT", now) == 126'230'400);    // 1974
  CHECK(parse_date("Sat Nov 26 08:49:37 1994", now) == modified + 20 * 86'400);
  CHECK(parse_date("Thu, 29 Feb 2024 00:00:00 GMT", now) == 1'709'164'800);
  for (const std::string_view text :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Xun, 06 Nov 1994 08:49:37 GMT", "un,, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun Nov 6 08:49:37 1994", "Sun, 06-Nov-94 08:49:37 GM",
        "1994-11-06T08:49:37Z", "784111777", "0", "Sun, +6 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_date(text, now));
  }
}

TEST_CASE("date: text and number are each other's reverse, over four centuries") {
  for (std::int64_t seconds = 0; seconds < 12'622'780'800; seconds += 86'399 * 13) {
    const DateText text = date_text(seconds);
    REQUIRE(parse_date({text.data(), text.size()}, 0) == seconds);
  }
}

std::string codings(const std::vector<Field>& fields) {
  std::string text;
  const CodingPreference preference{Fields(fields)};
  for (const ContentCoding coding : preference.order()) {
    text += coding == ContentCoding::brotli ? 'b' : coding == ContentCoding::gzip ? 'g' : 'i';
  }
  return text;
}

TEST_CASE("negotiation: codings are tried by weight, and identity is what remains") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"gzip", "gi"},
      {"br", "bi"},
      {"gzip, deflate, br", "bgi"},
      {"GZIP;Q=1.0 , BR;q=0.5", "gbi"},
      {"gzip;q=0.5, br;q=0.4", "gbi"},
      {"x-gzip", "gi"},
      {"*", "bgi"},
      {"*;q=0", "i"},
      {"br;q=0, *", "gi"},
      {"*;q=0.5, gzip;q=0", "bi"},
      {"identity", "i"},
      {"identity;q=1, gzip;q=0.5", "i"},
      {"identity;q=0.5, gzip;q=1, br;q=0.4", "gi"},
      {"identity;q=0, gzip", "gi"},
      {"identity;q=0", "i"},
      {"gzip;q=0", "i"},
      {"gzip;q=0.000", "i"},
      {"gzip;q=0.001", "gi"},
      {"gzip;q=1.001", "i"},
      {"gzip;q=-1", "i"},
      {"gzip;q=x", "i"},
      {"gzip;q=", "i"},
      {"gzip;level=9", "gi"},
      {"gzip;level=9;q=0", "i"},
      {"", "i"},
      {",,", "i"},
      {"zstd, bro, gzipp", "i"},
  };
  for (const auto& [value, wanted] : rows) {
    CAPTURE(value);
    CHECK(codings({{"Accept-Encoding", value}}) == wanted);
  }
  CHECK(codings({}) == "i");
  CHECK(codings({{"accept-encoding", "gzip;q=0.5"}, {"accept-encoding", "br;q=0.1"}}) == "gbi");
}

} // namespace
} // namespace ringfort::http
