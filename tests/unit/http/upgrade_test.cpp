// Which protocols a client offers to switch to, and the heads that switch.
#include "http/upgrade.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "http/serializer.hpp"

namespace ringfort::http {
namespace {

TEST_CASE("upgrade: an offer needs both fields, HTTP/1.1, and the option anywhere in Connection") {
  const Head head;
  const std::array offer{Field{"Connection", "keep-alive , UPGRADE"}, Field{"Upgrade", "a/1, b"}};
  CHECK(offered_protocols(head, Fields(offer)) == "a/1, b");
  const std::array two{Field{"connection", "close"}, Field{"upgrade", "a"},
                       Field{"connection", "upgrade"}};
  CHECK(offered_protocols(head, Fields(two)) == "a");
  CHECK(offered_protocols(head, Fields(std::span(two).first(2))).empty());
  CHECK(offered_protocols(head, Fields(std::span(two).last(1))).empty());
  const std::array other{Field{"connection", "upgrades"}, Field{"upgrade", "a"}};
  CHECK(offered_protocols(head, Fields(other)).empty());
  Head old;
  old.version_minor = 0;
  CHECK(offered_protocols(old, Fields(offer)).empty());
}

TEST_CASE("upgrade: a protocol is offered by its whole name, in letters of either case") {
  CHECK(offers("websocket", "WebSocket"));
  CHECK(offers("h2c, websocket ,x", "websocket"));
  CHECK(offers("IRC/6.9", "irc/6.9"));
  CHECK_FALSE(offers("IRC/6.9", "irc"));
  CHECK_FALSE(offers("websockets", "websocket"));
  CHECK_FALSE(offers("", ""));
  CHECK_FALSE(offers("a,,b", ""));
}

TEST_CASE("upgrade: 101 names the protocol, and nothing else may be 101") {
  HeadWriter writer(1'024);
  const auto bytes = writer.write({.status = 101, .protocol = "websocket"});
  REQUIRE(bytes);
  CHECK(text_of(*bytes) == "HTTP/1.1 101 Switching Protocols\r\n"
                           "connection: upgrade\r\nupgrade: websocket\r\n\r\n");
  CHECK_FALSE(writer.write({.status = 101}));
  CHECK_FALSE(writer.write_interim(101, {}));
}

TEST_CASE("upgrade: an interim head has its fields alone, and 100 to 199 but 101") {
  HeadWriter writer(1'024);
  const std::array fields{Field{"link", "</a>; rel=preload"}};
  const auto bytes = writer.write_interim(103, fields);
  REQUIRE(bytes);
  CHECK(text_of(*bytes) == "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n");
  for (const int status : {0, 99, 200, 304, 599}) {
    const auto refused = writer.write_interim(status, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::handler_bad_response);
  }
  const std::array framed{Field{"content-length", "1"}};
  CHECK_FALSE(writer.write_interim(103, framed));
}

} // namespace
} // namespace ringfort::http
