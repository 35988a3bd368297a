// Heads of requests as they are on the wire, and those that are not written.
#include "http/request_writer.hpp"

#include <array>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "http/serializer.hpp"

namespace ringfort::http {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

/// What is written; the row's name, when nothing is.
std::string written(const RequestHead& head) {
  std::array<std::byte, 1'024> out;
  AuthorityCheck authorities;
  const auto bytes = write_request(out, head, authorities);
  return bytes ? std::string(text_of(Bytes(out).first(*bytes)))
               : full_name(fault_of(bytes.error().code));
}

constexpr const char* refused = "call.bad_request";

TEST_CASE("request: host comes first, then the caller's fields in their order") {
  const std::array fields{Field{"X-B", "2"}, Field{"x-a", ""}, Field{"X-B", "\xc3\xa4\t3"}};
  CHECK(written({.target = "/a?b=c", .authority = "[::1]:8080", .fields = fields}) ==
        "GET /a?b=c HTTP/1.1\r\nhost: [::1]:8080\r\nX-B: 2\r\nx-a: \r\nX-B: \xc3\xa4\t3\r\n\r\n");
}

TEST_CASE("request: a query alone is asked of the root, an asterisk of the server by OPTIONS") {
  CHECK(written({.target = "?q", .authority = "a"}) == "GET /?q HTTP/1.1\r\nhost: a\r\n\r\n");
  CHECK(written({.method = "OPTIONS", .target = "*", .authority = "a"}) ==
        "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
  CHECK(written({.target = "*", .authority = "a"}) == refused);
}

TEST_CASE("request: without a body, length 0 is said by those methods alone that expect one") {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    CHECK(written({.method = method, .authority = "a"}) ==
          method + " / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"s);
  }
  for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post"}) {
    CHECK(written({.method = method, .authority = "a"}) ==
          method + " / HTTP/1.1\r\nhost: a\r\n\r\n"s);
  }
}

TEST_CASE("request: a body is framed whatever the method, once") {
  for (const char* method : {"GET", "POST", "DELETE"}) {
    const std::string start = method + " / HTTP/1.1\r\nhost: a\r\n"s;
    const RequestHead sized{
        .method = method, .authority = "a", .framing = BodyFraming::length, .content_length = 12};
    CHECK(written(sized) == start + "content-length: 12\r\n\r\n");
    RequestHead empty = sized;
    empty.content_length = 0;
    CHECK(written(empty) == start + "content-length: 0\r\n\r\n");
    CHECK(written({.method = method, .authority = "a", .framing = BodyFraming::chunked}) ==
          start + "transfer-encoding: chunked\r\n\r\n");
  }
}

TEST_CASE("request: expect, upgrade and who asks a proxy are said by the engine") {
  CHECK(written({.method = "PUT",
                 .authority = "a",
                 .framing = BodyFraming::chunked,
                 .expects_continue = true}) ==
        "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n"
        "\r\n");
  CHECK(written({.authority = "a", .closes = true}) ==
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  CHECK(written({.authority = "a", .closes = true, .upgrade = "x"}) ==
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
  CHECK(written({.authority = "a", .upgrade = "websocket, h2c/1"}) ==
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket, h2c/1\r\n\r\n");
  CHECK(written({.authority = "a", .proxy_authorization = "Basic dTpw"}) ==
        "GET / HTTP/1.1\r\nhost: a\r\nproxy-authorization: Basic dTpw\r\n\r\n");
  CHECK(written({.authority = "a", .upgrade = "a\r\nx: y"}) == refused);
  CHECK(written({.authority = "a", .proxy_authorization = "a\r\nx: y"}) == refused);
}

TEST_CASE("request: a tunnel is asked for by host and port, and by nothing else") {
  CHECK(written({.method = "CONNECT", .target = "[::1]:443", .authority = "[::1]:443"}) ==
        "CONNECT [::1]:443 HTTP/1.1\r\nhost: [::1]:443\r\n\r\n");
  for (const std::string_view target : {""sv, "/"sv, "a"sv, "*"sv, "a:1 x"sv, "u@a:1"sv}) {
    INFO(target);
    CHECK(written({.method = "CONNECT", .target = target, .authority = "a"}) == refused);
  }
}

TEST_CASE("request: a proxy is told the whole URL, whatever the Host field says") {
  const std::string rest = " HTTP/1.1\r\nhost: b\r\n\r\n";
  CHECK(written({.target = "/c?d", .root = "http://a:81", .authority = "b"}) ==
        "GET http://a:81/c?d" + rest);
  CHECK(written({.target = "?d", .root = "http://a", .authority = "b"}) ==
        "GET http://a/?d" + rest);
  CHECK(written({.method = "OPTIONS", .target = "*", .root = "http://a", .authority = "b"}) ==
        "OPTIONS http://a" + rest);
}

TEST_CASE("request: fields that are the engine's, or would break the head, are call.bad_request") {
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "keep-alive",
                           "Host", "host", "", "na me", "name:", "n\xc3\xa4me", "name\r\nx"}) {
    INFO(name);
    const std::array fields{Field{"x", "1"}, Field{name, "1"}};
    CHECK(written({.authority = "a", .fields = fields}) == refused);
  }
  for (const std::string_view value : {"v\r\nx: y"sv, "v\n"sv, "v\r"sv, "\0"sv, "\x7f"sv}) {
    const Field field{"name", value};
    CHECK(written({.authority = "a", .fields = {&field, 1}}) == refused);
  }
}

TEST_CASE("request: a method that is no token is call.bad_request") {
  for (const std::string_view method :
       {""sv, "GE T"sv, "GET\r\n"sv, "G\0T"sv, "GET "sv, "G/T"sv, "\xc3\xa4"sv}) {
    INFO(method);
    CHECK(written({.method = method, .authority = "a"}) == refused);
  }
}

TEST_CASE("request: a target of another form, or with bytes that split a line, is refused") {
  for (const std::string_view target :
       {""sv, "a"sv, "http://a/"sv, "a:443"sv, "*x"sv, "/a b"sv, "/a\tb"sv, "/a\r\nx: y"sv, "/\0"sv,
        "/\x7f"sv, "/\xc3\xa4"sv, "/a#b"sv, " /"sv}) {
    INFO(target);
    CHECK(written({.method = "OPTIONS", .target = target, .authority = "a"}) == refused);
  }
}

TEST_CASE("request: an authority that is none, or holds more than host and port, is refused") {
  for (const std::string_view authority :
       {""sv, "a b"sv, "a\r\nx: y"sv, "u@a"sv, "a/b"sv, "[::1"sv, "a:99999"sv, "a\0"sv}) {
    INFO(authority);
    CHECK(written({.authority = authority}) == refused);
  }
}

TEST_CASE("request: a head that does not fit is refused at every size, and never overruns") {
  const std::array fields{Field{"name", "value"}};
  const RequestHead head{.target = "?q", .authority = "a", .fields = fields, .upgrade = "x"};
  const std::size_t whole = written(head).size();
  for (std::size_t room = 0; room <= whole; ++room) {
    std::string out(room + 1, '#');
    AuthorityCheck authorities;
    const auto bytes =
        write_request(std::as_writable_bytes(std::span(out)).first(room), head, authorities);
    CHECK(bytes.has_value() == (room == whole));
    CHECK(out.back() == '#');
  }
}

TEST_CASE("request: trailers that may not be sent are call.bad_request too") {
  std::array<std::byte, 64> out;
  const Field trailer{"content-length", "1"};
  const auto bytes = write_last_chunk(out, {&trailer, 1}, Code::call_bad_request);
  REQUIRE_FALSE(bytes);
  CHECK(bytes.error().code == Code::call_bad_request);
}

} // namespace
} // namespace ringfort::http
