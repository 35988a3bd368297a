// Heads, chunks, dates, phrases, authorities and the cycle table.
#include "http/serializer.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "http/authority.hpp"
#include "http/cycle.hpp"
#include "http/date.hpp"
#include "http/status.hpp"

namespace ringfort::http {
namespace {

constexpr std::int64_t some_time = 784'111'777;

std::string_view date_of(const DateLine& line) {
  REQUIRE(std::string_view(line.data(), 6) == "date: ");
  REQUIRE(std::string_view(line.data() + line.size() - 2, 2) == "\r\n");
  return {line.data() + 6, line.size() - 8};
}

std::optional<std::string> written_in(std::size_t bytes_max, const ResponseHead& head) {
  HeadWriter writer(bytes_max);
  const auto bytes = writer.write(head);
  if (!bytes) {
    CHECK(bytes.error().code == Code::handler_bad_response);
    return std::nullopt;
  }
  return std::string(text_of(*bytes));
}

std::string written(const ResponseHead& head) { return written_in(4'096, head).value(); }

bool refuses(const ResponseHead& head) { return !written_in(4'096, head); }

TEST_CASE("serializer: a head with a length, as it is on the wire") {
  const std::array fields{Field{"content-type", "text/plain"}, Field{"x-empty", ""}};
  CHECK(written({.status = 200,
                 .fields = fields,
                 .unix_seconds = some_time,
                 .framing = BodyFraming::length,
                 .content_length = 13}) == "HTTP/1.1 200 OK\r\n"
                                           "content-type: text/plain\r\n"
                                           "x-empty: \r\n"
                                           "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                           "content-length: 13\r\n\r\n");
}

TEST_CASE("serializer: chunked, close and keep-alive are said by the engine alone") {
  CHECK(written({.status = 404, .framing = BodyFraming::chunked, .close = true}) ==
        "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
  CHECK(written({.status = 204, .keep_alive = true}) ==
        "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n");
  for (const char* name : {"Connection", "content-length", "Transfer-Encoding", "KEEP-ALIVE"}) {
    const std::array fields{Field{name, "1"}};
    CHECK(refuses({.fields = fields}));
  }
}

TEST_CASE("serializer: a date of the handler's own stands instead of ours") {
  const std::array fields{Field{"Date", "then"}};
  CHECK(written({.fields = fields, .unix_seconds = some_time}) ==
        "HTTP/1.1 200 OK\r\nDate: then\r\n\r\n");
}

TEST_CASE("RF-06, RF-07: what would break the message is handler.bad_response") {
  const std::array wrong{
      Field{"", "v"},           Field{"na me", "v"},        Field{"name:", "v"},
      Field{"name\r\n", "v"},   Field{"name", "v\r\nx: y"}, Field{"name", "v\n"},
      Field{"name", {"\0", 1}}, Field{"name", "\x7f"},      Field{"n\xc3\xa4me", "v"}};
  std::array<std::byte, 256> out;
  for (const Field& field : wrong) {
    CHECK(refuses({.fields = {&field, 1}}));
    CHECK_FALSE(write_last_chunk(out, {&field, 1}));
  }
  for (const int status : {-1, 0, 100, 101, 199, 600, 1'000}) {
    CHECK(refuses({.status = status}));
  }
  const Field fine{"name", "tab\there, and \xc3\xa4"};
  CHECK_FALSE(refuses({.fields = {&fine, 1}}));
}

TEST_CASE("serializer: a head that does not fit is refused at every size") {
  const std::array fields{Field{"name", "value"}};
  const ResponseHead head{
      .fields = fields, .unix_seconds = some_time, .framing = BodyFraming::chunked};
  const std::size_t whole = written(head).size();
  for (std::size_t room = 0; room <= whole; ++room) {
    CHECK(written_in(room, head).has_value() == (room == whole));
  }
}

TEST_CASE("serializer: fields said before are said again, others instead of them") {
  HeadWriter writer(256);
  const auto head = [&](std::span<const Field> fields) {
    const auto bytes = writer.write({.fields = fields, .unix_seconds = some_time});
    return bytes ? std::string(text_of(*bytes)) : std::string("refused");
  };
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const std::string date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  const std::array one{Field{"a", "1"}};
  const std::array two{Field{"a", "1"}, Field{"b", "2"}};
  const std::array other{Field{"a", "1"}, Field{"date", "then"}};
  const std::array split{Field{"a: 1\r\nb", "2"}};
  const std::vector<Field> many(33, Field{"n", ""});
  const std::string long_text(256, 'x');
  const std::array too_long{Field{"a", long_text}};
  for (int round = 0; round < 2; ++round) {
    CHECK(head(two) == start + "a: 1\r\nb: 2\r\n" + date + "\r\n");
    CHECK(head(two) == start + "a: 1\r\nb: 2\r\n" + date + "\r\n");
    CHECK(head(split) == "refused");
    CHECK(head(one) == start + "a: 1\r\n" + date + "\r\n");
    CHECK(head(split) == "refused");
    CHECK(head(too_long) == "refused");
    CHECK(head(one) == start + "a: 1\r\n" + date + "\r\n");
    CHECK(head(other) == start + "a: 1\r\ndate: then\r\n\r\n");
    CHECK(head(many).starts_with(start + "n: \r\nn: \r\n"));
    CHECK(head(many).size() == start.size() + many.size() * 5 + date.size() + 2);
    CHECK(head({}) == start + date + "\r\n");
  }
}

TEST_CASE("serializer: a head is said again only when all of it is the same") {
  const std::array fields{Field{"content-type", "text/plain"}};
  const std::array others{Field{"content-type", "text/html1"}};
  const ResponseHead first{.fields = fields,
                           .unix_seconds = some_time,
                           .framing = BodyFraming::length,
                           .content_length = 13};
  std::vector<ResponseHead> heads(11, first);
  heads[1].status = 404;
  heads[2].fields = others;
  heads[3].unix_seconds = some_time + 1;
  heads[4].unix_seconds = ResponseHead::undated;
  heads[5].framing = BodyFraming::chunked;
  heads[6].content_length = 31;
  heads[7].close = true;
  heads[8].keep_alive = true;
  heads[9] = {.status = 101, .protocol = "one"};
  heads[10] = {.status = 101, .protocol = "two"};
  HeadWriter writer(4'096);
  for (const ResponseHead& one : heads) {
    for (const ResponseHead& next : heads) {
      REQUIRE(writer.write(one));
      CHECK(text_of(writer.write(next).value()) == written(next));
      CHECK(text_of(writer.write_interim(100, {}).value()) == "HTTP/1.1 100 Continue\r\n\r\n");
      CHECK(text_of(writer.write(next).value()) == written(next));
      CHECK_FALSE(writer.write({.status = 99, .fields = next.fields}));
      CHECK(text_of(writer.write(next).value()) == written(next));
    }
  }
}

TEST_CASE("RF-10: chunk sizes are hexadecimal, and the last chunk ends with its trailers") {
  std::array<std::byte, 64> out;
  const auto size_line = [&](std::uint64_t bytes) {
    return std::string(text_of(Bytes(out).first(write_chunk_size(out, bytes))));
  };
  CHECK(size_line(1) == "1\r\n");
  CHECK(size_line(16'384) == "4000\r\n");
  CHECK(size_line(UINT64_MAX) == "ffffffffffffffff\r\n");
  CHECK(size_line(UINT64_MAX).size() == chunk_size_bytes_max);
  const Field trailer{"x-sum", "5"};
  const auto last = write_last_chunk(out, {&trailer, 1});
  REQUIRE(last);
  CHECK(text_of(Bytes(out).first(*last)) == "0\r\nx-sum: 5\r\n\r\n");
}

TEST_CASE("date: seconds become IMF-fixdate, of leap years and before 1970 too") {
  Date date;
  CHECK(date_of(date.at(784'111'777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date_of(date.at(0)) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_of(date.at(951'827'696)) == "Tue, 29 Feb 2000 12:34:56 GMT");
  CHECK(date_of(date.at(4'107'542'399)) == "Sun, 28 Feb 2100 23:59:59 GMT");
  CHECK(date_of(date.at(4'107'542'400)) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(date_of(date.at(-1)) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("status: phrases by number, and a class's name for one without") {
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(299) == "Success");
  CHECK(reason_phrase(599) == "Server Error");
}

TEST_CASE("authority: names, addresses and ports, and nothing else") {
  for (const char* valid : {"", "a", "example.com", "example.com:443", "127.0.0.1:1", "[::1]",
                            "[::1]:8443", "a_b-c.d", "a:", "xn--bcher-kva.example"}) {
    INFO(valid);
    CHECK(valid_authority(valid));
  }
  for (const char* invalid : {"a b", "a/b", "a@b", "a:b", "a:123456", ":80", "[", "[]", "[::1",
                              "[::1]x", "a?b", "a#b", "a\tb", "a:1:2", "\xc3\xa4"}) {
    INFO(invalid);
    CHECK_FALSE(valid_authority(invalid));
  }
}

TEST_CASE("authority: it is found in an absolute form, and in no other") {
  CHECK(authority_of_target("http://host:1/x?y") == "host:1");
  CHECK(authority_of_target("https://host") == "host");
  CHECK(authority_of_target("http://host?query") == "host");
  for (const char* other : {"/", "*", "/http://host/", "host:443", ""}) {
    CHECK(authority_of_target(other).empty());
  }
}

TEST_CASE("cycle: a whole exchange, in either order of the two sides") {
  Cycle cycle;
  CHECK(cycle.unanswered());
  CHECK(cycle.on(Side::request, CycleEvent::head));
  CHECK(cycle.on(Side::response, CycleEvent::head_only)); // An early answer.
  CHECK_FALSE(cycle.over());
  CHECK(cycle.on(Side::request, CycleEvent::piece));
  CHECK(cycle.on(Side::request, CycleEvent::complete));
  CHECK(cycle.over());
  CHECK(cycle.reusable());
}

TEST_CASE("cycle: must_close leaves it complete but not reusable") {
  Cycle cycle;
  cycle.on(Side::request, CycleEvent::head_only);
  cycle.on(Side::response, CycleEvent::head_only);
  CHECK(cycle.on(Side::response, CycleEvent::must_close));
  CHECK(cycle.over());
  CHECK_FALSE(cycle.reusable());
}

TEST_CASE("cycle: what the table does not name breaks that side, and only that side") {
  struct Wrong {
    std::vector<CycleEvent> before;
    CycleEvent event;
  };
  const std::array wrong{Wrong{{}, CycleEvent::piece},
                         Wrong{{}, CycleEvent::complete},
                         Wrong{{CycleEvent::head}, CycleEvent::head},
                         Wrong{{CycleEvent::head_only}, CycleEvent::piece},
                         Wrong{{CycleEvent::head, CycleEvent::complete}, CycleEvent::complete},
                         Wrong{{CycleEvent::head}, CycleEvent::ended}};
  for (const Wrong& row : wrong) {
    Cycle cycle;
    for (const CycleEvent event : row.before) REQUIRE(cycle.on(Side::response, event));
    CHECK_FALSE(cycle.on(Side::response, row.event));
    CHECK(cycle.state(Side::response) == SideState::broken);
    CHECK(cycle.on(Side::request, CycleEvent::head));
    CHECK_FALSE(cycle.on(Side::response, CycleEvent::next)); // Broken for good.
  }
}

TEST_CASE("message: fields are found whatever their case, the first of a name first") {
  const std::array all{Field{"Host", "a"}, Field{"x", "1"}, Field{"X", "2"}};
  const Fields fields{all};
  CHECK(fields.find("host") == "a");
  CHECK(fields.find("X") == "1");
  CHECK(fields.count("x") == 2);
  CHECK_FALSE(fields.find("hos"));
  CHECK_FALSE(fields.find(""));
}

} // namespace
} // namespace ringfort::http
