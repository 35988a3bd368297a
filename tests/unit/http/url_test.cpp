// What a URL names, and which texts are none.
#include <array>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/client.hpp>

namespace ringfort {
namespace {

using namespace std::string_view_literals;

struct Wanted {
  std::string_view url;
  bool encrypted;
  std::string_view host;
  std::uint16_t port;
  std::string_view target;
  std::string_view user_information = {};
};

TEST_CASE("url: scheme, host, port, target and user information are told apart") {
  constexpr std::array rows{
      Wanted{"https://example.com", true, "example.com", 443, "/"},
      Wanted{"http://example.com", false, "example.com", 80, "/"},
      Wanted{"HTTPS://Example.COM/A", true, "Example.COM", 443, "/A"},
      Wanted{"hTTp://a", false, "a", 80, "/"},
      Wanted{"https://a:1/", true, "a", 1, "/"},
      Wanted{"https://a:65535/", true, "a", 65'535, "/"},
      Wanted{"http://a:00080/", false, "a", 80, "/"},
      Wanted{"http://a:/x", false, "a", 80, "/x"},
      Wanted{"https://127.0.0.1:8443/x", true, "127.0.0.1", 8'443, "/x"},
      Wanted{"https://[::1]", true, "::1", 443, "/"},
      Wanted{"https://[2001:db8::1]:8443/x", true, "2001:db8::1", 8'443, "/x"},
      Wanted{"https://a/b/c?d=e&f", true, "a", 443, "/b/c?d=e&f"},
      Wanted{"https://a?q", true, "a", 443, "?q"},
      Wanted{"https://a?q=/x", true, "a", 443, "?q=/x"},
      Wanted{"https://a:1?", true, "a", 1, "?"},
      Wanted{"https://a#f", true, "a", 443, "/"},
      Wanted{"https://a/b#f?g", true, "a", 443, "/b"},
      Wanted{"https://a?q#f", true, "a", 443, "?q"},
      Wanted{"https://a/b@c:1", true, "a", 443, "/b@c:1"},
      Wanted{"https://a/http://b/", true, "a", 443, "/http://b/"},
      Wanted{"https://user:pass@a:1/b", true, "a", 1, "/b", "user:pass"},
      Wanted{"https://user%40x@[::1]/", true, "::1", 443, "/", "user%40x"},
      Wanted{"https://@a/", true, "a", 443, "/"},
      Wanted{"https://:@a/", true, "a", 443, "/", ":"},
  };
  for (const Wanted& row : rows) {
    INFO(row.url);
    const auto url = parse_url(row.url);
    REQUIRE(url);
    CHECK(url->encrypted == row.encrypted);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->target == row.target);
    CHECK(url->user_information == row.user_information);
    CHECK(url->destination() == Destination{row.encrypted, std::string(row.host), row.port});
  }
}

TEST_CASE("url: what is no http or https URL, or would be read differently, is call.bad_url") {
  constexpr std::array rows{
      ""sv,
      "/"sv,
      "http"sv,
      "https"sv,
      "http:"sv,
      "http:/a"sv,
      "http:a"sv,
      "a/b"sv,
      "example.com"sv,
      "example.com:443"sv,
      "//example.com/"sv,
      "://a"sv,
      "ftp://a/"sv,
      "httpss://a/"sv,
      " https://a/"sv,
      "https ://a/"sv,
      "ws://a/"sv,
      // No host.
      "http://"sv,
      "http:///a"sv,
      "http://:80/"sv,
      "http://?q"sv,
      "http://#f"sv,
      "http://u@/"sv,
      "http://u@:80/"sv,
      "http://[]/"sv,
      // No port.
      "http://a:0/"sv,
      "http://a:00/"sv,
      "http://a:65536/"sv,
      "http://a:123456/"sv,
      "http://a:-1/"sv,
      "http://a:+1/"sv,
      "http://a:8x/"sv,
      "http://a:1:2/"sv,
      "http://[::1]:0/"sv,
      // No host that could be asked.
      "http://[::1/"sv,
      "http://::1/"sv,
      "http://[::1]x/"sv,
      "http://[fe80::1%25eth0]/"sv,
      "http://[127.0.0.1]/"sv,
      "http://a%zz/"sv,
      "http://a\\b/"sv,
      "http://a\\@b/"sv,
      "http://a@b@c/"sv,
      "http://[x]@b/"sv,
      // Bytes that a URL has not.
      "http://a b/"sv,
      "http://a/b c"sv,
      "http://a/ "sv,
      "http://a/\tb"sv,
      "http://a/\r\nx: y"sv,
      "http://a/\0"sv,
      "http://a\0b/"sv,
      "http://a/\x7f"sv,
      "http://a/\xc3\xa4"sv,
      "http://\xc3\xa4/"sv,
      "http://a/#\n"sv,
      "http://u u@a/"sv,
  };
  for (const std::string_view row : rows) {
    INFO(row);
    const auto url = parse_url(row);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == Code::call_bad_url);
  }
}

} // namespace
} // namespace ringfort
