// What vouches for fields that pass through a gateway: the parser takes none that may not be sent.
#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "http/field_lines.hpp"
#include "http/parser.hpp"
#include "http/request_writer.hpp"

namespace ringfort::http {
namespace {

constexpr int byte_count = 256;

/// How many of all messages with one byte of any value in that place are taken, and that all the
/// fields of those may be sent.
int taken_with_any_byte(Role role, std::string_view before, std::string_view behind) {
  const std::string start =
      role == Role::server ? "GET / HTTP/1.1\r\nHost: a\r\n" : "HTTP/1.1 204 No Content\r\n";
  int taken = 0;
  for (int value = 0; value < byte_count; ++value) {
    std::array<std::byte, 8'192> block;
    Arena arena{block};
    AuthorityCheck authorities;
    Parser parser{role, authorities};
    if (role == Role::server) parser.begin(arena, {});
    if (role == Role::client) parser.begin_response(arena, {}, Method::get);
    const std::string text = start + std::string(before) + static_cast<char>(value) +
                             std::string(behind) + "\r\nEnd: 1\r\n\r\n";
    const auto step = parser.parse(bytes_of(text));
    if (!step || step->event != Event::head) continue;
    ++taken;
    const Fields fields = parser.fields();
    INFO("byte " << value);
    CHECK(may_send({fields.begin(), fields.end()}));
  }
  return taken;
}

TEST_CASE("fields: whatever byte is in a name, the parser takes no field that may not be sent") {
  for (const Role role : {Role::server, Role::client}) {
    CHECK(taken_with_any_byte(role, "X", "y: 1") > 70);
    CHECK(taken_with_any_byte(role, "", "y: 1") > 70);
    CHECK(taken_with_any_byte(role, "X", ": 1") > 70);
  }
}

TEST_CASE("fields: whatever byte is in a value, the parser takes no field that may not be sent") {
  for (const Role role : {Role::server, Role::client}) {
    CHECK(taken_with_any_byte(role, "X: a", "b") > 200);
    CHECK(taken_with_any_byte(role, "X:", "b") > 200);
    CHECK(taken_with_any_byte(role, "X: a", "") > 200);
    taken_with_any_byte(role, "X: a\r\n", "b"); // A line that goes on, if it is taken at all.
    taken_with_any_byte(role, "X: a\r", "b");
    taken_with_any_byte(role, "X: a\n", "b");
  }
}

TEST_CASE("request: fields that are vouched for are written as they are") {
  const std::array fields{Field{"via", "1.1 a"}};
  std::array<std::byte, 256> out;
  AuthorityCheck authorities;
  const RequestHead head{.authority = "a", .fields = fields, .fields_vouched = true};
  const auto bytes = write_request(out, head, authorities);
  REQUIRE(bytes);
  CHECK(text_of(Bytes(out).first(*bytes)) == "GET / HTTP/1.1\r\nhost: a\r\nvia: 1.1 a\r\n\r\n");
}

} // namespace
} // namespace ringfort::http
