// The parser as a client has it, where the literate cases cannot show it: arena, pieces, ends.
#include "http/parser.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "http/answer_faults.hpp"

namespace ringfort::http {
namespace {

struct Reading {
  Result<Step> parse(std::string_view text) { return parser.parse(bytes_of(text)); }

  std::array<std::byte, 8'192> block;
  Arena arena{block};
  AuthorityCheck authorities;
  Parser parser{Role::client, authorities};
};

TEST_CASE("answer: a head says how its body is framed and which bytes it took") {
  Reading reading;
  reading.parser.begin_response(reading.arena, {}, Method::get);
  CHECK(reading.parser.idle());
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  const auto step = reading.parse(head + "abc+");
  REQUIRE(step);
  CHECK(step->event == Event::head);
  CHECK(step->consumed_bytes == head.size());
  CHECK_FALSE(step->last);
  CHECK(reading.parser.status() == 200);
  CHECK(reading.parser.head().method == Method::get);
  CHECK(reading.parser.framing() == BodyFraming::length);
  CHECK(reading.parser.content_length() == 3);
  const auto body = reading.parse("abc+");
  REQUIRE(body);
  CHECK(text_of(body->piece) == "abc");
  CHECK(body->consumed_bytes == 3);
  CHECK(body->last);
  CHECK(reading.parser.complete());
}

TEST_CASE("answer: an interim one is whole with its head, and leaves what follows") {
  Reading reading;
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  for (int count = 0; count < 3; ++count) {
    reading.arena.reset();
    reading.parser.begin_response(reading.arena, {}, Method::head);
    const auto step = reading.parse(interim + "HTTP/1.1 200 OK\r\n\r\n");
    REQUIRE(step);
    CHECK(step->event == Event::head);
    CHECK(step->last);
    CHECK(step->consumed_bytes == interim.size());
    CHECK(reading.parser.status() == 103);
  }
}

TEST_CASE("answer: a body without a length is handed over as it comes, and ends with the stream") {
  Reading reading;
  reading.parser.begin_response(reading.arena, {}, Method::get);
  REQUIRE(reading.parse("HTTP/1.1 200 OK\r\n\r\n"));
  for (const std::string_view piece : {"one", "two"}) {
    const auto step = reading.parse(piece);
    REQUIRE(step);
    CHECK(step->event == Event::body);
    CHECK(text_of(step->piece) == piece);
    CHECK_FALSE(step->last);
  }
  const auto end = reading.parser.finish();
  REQUIRE(end);
  CHECK(end->event == Event::end);
  CHECK(end->last);
  CHECK_FALSE(reading.parser.keep_alive());
  const auto again = reading.parser.finish();
  REQUIRE(again);
  CHECK(again->event == Event::need_more);
}

TEST_CASE("answer: a stream that ends before the first byte is no event, after it is cut short") {
  Reading reading;
  reading.parser.begin_response(reading.arena, {}, Method::get);
  REQUIRE(reading.parser.finish());
  REQUIRE(reading.parse("H"));
  const auto end = reading.parser.finish();
  REQUIRE_FALSE(end);
  CHECK(end.error() == Error{.code = Code::answer_cut_short});
}

TEST_CASE("answer: a spent arena is answer.head_too_large, at the begin and between two pieces") {
  std::array<std::byte, 512> block;
  const ParserLimits limits{.fields_max = 4};
  AuthorityCheck authorities;
  for (const std::size_t bytes : {std::size_t{1}, 4 * sizeof(Field) + 4}) {
    Arena arena{MutableBytes(block).first(bytes)};
    Parser parser{Role::client, authorities};
    parser.begin_response(arena, limits, Method::get);
    const auto step = parser.parse(bytes_of("HTTP/1.1 200 OK\r\nX-Long: value\r\nY"));
    REQUIRE_FALSE(step);
    CHECK(step.error().code == Code::answer_head_too_large);
  }
}

TEST_CASE("answer: each fault that an answer can have is told as one, of the same origin") {
  std::size_t seen_count = 0;
  for (std::size_t code = 0; code < fault_count; ++code) {
    if (faults[code].stage != Stage::http_parse) continue;
    if (static_cast<Code>(code) == Code::http_parse_target_too_long) continue; // It has no target.
    const Fault& fault = fault_of(answer_fault(static_cast<Code>(code)));
    CHECK(fault.stage == Stage::answer);
    CHECK(fault.origin == faults[code].origin);
    if (faults[code].name == fault.name) ++seen_count;
  }
  CHECK(seen_count == 7); // The rows that both have under one name.
  CHECK(answer_fault(Code::request_stream_cut_short) == Code::answer_cut_short);
}

} // namespace
} // namespace ringfort::http
