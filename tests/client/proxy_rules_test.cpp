// Which proxy stands before which server, by the words of the environment's variables.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/credentials.hpp>
#include <ringfort/proxy_rules.hpp>

namespace ringfort::client {
namespace {

Destination to(const std::string& host, std::uint16_t port = 443, bool encrypted = true) {
  return {.encrypted = encrypted, .host = host, .port = port};
}

/// Whether each of these is reached without the proxy.
bool direct(std::string_view excepted, const Destination& destination) {
  const ProxySettings settings{.for_all = "http://proxy:3128", .excepted = excepted};
  return ProxyRules::parse(settings).value().choose(destination) == nullptr;
}

TEST_CASE("proxy rules: each scheme has its own proxy, and what has none that of all") {
  const auto rules = ProxyRules::parse({.for_http = "one:81", .for_all = "https://all"});
  REQUIRE(rules);
  REQUIRE(rules->choose(to("a", 80, false)) != nullptr);
  CHECK(*rules->choose(to("a", 80, false)) == Proxy{.host = "one", .port = 81});
  REQUIRE(rules->choose(to("a")) != nullptr);
  CHECK(*rules->choose(to("a")) == Proxy{.encrypted = true, .host = "all", .port = 443});
  const auto none = ProxyRules::parse({.for_http = "http://one"});
  REQUIRE(none);
  CHECK(none->choose(to("a")) == nullptr);
  CHECK(ProxyRules::parse({}).value().choose(to("a")) == nullptr);
}

TEST_CASE("proxy rules: a user in the URL becomes Basic credentials, percent-decoded") {
  const auto rules = ProxyRules::parse({.for_https = "http://u%40a:p%3A@[::1]:8080/"});
  REQUIRE(rules);
  const Proxy* const proxy = rules->choose(to("a"));
  REQUIRE(proxy != nullptr);
  CHECK(proxy->host == "::1");
  CHECK(proxy->authorization == basic_credentials("u@a:p:"));
  CHECK(proxy->authorization == "Basic dUBhOnA6");
}

TEST_CASE("proxy rules: what is no proxy's URL is call.bad_url, and which one") {
  for (const char* text : {"socks5://a", "http://", "a b", "http://a:99999", "http://a@b@c d"}) {
    INFO(text);
    const auto rules = ProxyRules::parse({.for_https = text});
    REQUIRE_FALSE(rules);
    CHECK(rules.error().code == Code::call_bad_url);
    CHECK(rules.error().detail == 2);
  }
}

TEST_CASE("proxy rules: an excepted name is that host and all below it, and no other") {
  for (const char* excepted :
       {"example.com", ".example.com", "x, EXAMPLE.com", "x example.com\ty"}) {
    INFO(excepted);
    CHECK(direct(excepted, to("example.com")));
    CHECK(direct(excepted, to("a.Example.com")));
    CHECK_FALSE(direct(excepted, to("badexample.com")));
    CHECK_FALSE(direct(excepted, to("example.com.evil")));
    CHECK_FALSE(direct(excepted, to("com")));
  }
  CHECK(direct("*", to("anything")));
  CHECK(direct(",, *", to("anything")));
  CHECK_FALSE(direct("", to("anything")));
  CHECK_FALSE(direct(" . ", to("anything")));
}

TEST_CASE("proxy rules: a port behind the name excepts that port alone") {
  CHECK(direct("example.com:8443", to("example.com", 8443)));
  CHECK_FALSE(direct("example.com:8443", to("example.com")));
  CHECK(direct("[::1]:8443", to("::1", 8443)));
  CHECK_FALSE(direct("[::1]:8443", to("::1")));
  CHECK(direct("::1", to("::1")));
}

TEST_CASE("proxy rules: networks except addresses, not names") {
  CHECK(direct("10.0.0.0/8", to("10.1.2.3")));
  CHECK_FALSE(direct("10.0.0.0/8", to("11.1.2.3")));
  CHECK(direct("2001:db8::/33", to("2001:db8:7fff::1")));
  CHECK_FALSE(direct("2001:db8::/33", to("2001:db8:8000::1")));
  CHECK(direct("192.0.2.1", to("192.0.2.1")));
  CHECK_FALSE(direct("192.0.2.1", to("192.0.2.10")));
  CHECK_FALSE(direct("10.0.0.0/8", to("10.example")));
}

} // namespace
} // namespace ringfort::client
