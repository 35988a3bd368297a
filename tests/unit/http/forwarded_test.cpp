// What proxies claim of a client: read strictly, written cleanly; and which fields end at a hop.
#include <array>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "http/forwarded.hpp"
#include "http/hop_fields.hpp"

namespace ringfort::http {
namespace {

/// "client scheme host" of these fields, each "-" where it is not told.
std::string claimed(std::vector<Field> fields) {
  const Forwarded claim = read_forwarded(Fields(fields));
  const auto or_dash = [](std::string_view text) { return std::string(text.empty() ? "-" : text); };
  return or_dash(claim.client) + ' ' + or_dash(claim.scheme) + ' ' + or_dash(claim.host);
}

std::string written(const Forwarded& claim) {
  std::array<char, forwarded_bytes_max> room;
  return std::string(write_forwarded(room, claim));
}

TEST_CASE("forwarded: one clean value of each is told, from Forwarded or from the older fields") {
  CHECK(claimed({{"forwarded", "for=192.0.2.1;proto=https;host=a.example"}}) ==
        "192.0.2.1 https a.example");
  CHECK(claimed({{"Forwarded", "For=\"[2001:db8::1]:4711\" ; Proto=HTTP; by=x;host=\"a:81\""}}) ==
        "2001:db8::1 http a:81");
  CHECK(claimed({{"x-forwarded-for", " 192.0.2.1:99 "},
                 {"X-Forwarded-Proto", "https"},
                 {"x-forwarded-host", "a.example"}}) == "192.0.2.1 https a.example");
  CHECK(claimed({{"x-forwarded-for", "2001:db8::1"}}) == "2001:db8::1 - -");
  CHECK(claimed({}) == "- - -");
}

TEST_CASE("forwarded: lists, doubled fields and doubled or malformed values tell nothing") {
  CHECK(claimed({{"x-forwarded-for", "192.0.2.1, 192.0.2.2"}}) == "- - -");
  CHECK(claimed({{"x-forwarded-for", "192.0.2.1"}, {"X-Forwarded-For", "192.0.2.2"}}) == "- - -");
  CHECK(claimed({{"forwarded", "for=192.0.2.1, for=192.0.2.2"}}) == "- - -");
  CHECK(claimed({{"forwarded", "for=192.0.2.1;for=192.0.2.2"}}) == "- - -");
  CHECK(claimed({{"forwarded", "for=\"192.0.2.1"}}) == "- - -");
  CHECK(claimed({{"forwarded", "proto=gopher;host=\"a b\""}}) == "- - -");
  CHECK(claimed({{"x-forwarded-proto", "https,http"}, {"x-forwarded-host", "a/b"}}) == "- - -");
  // A Forwarded that tells nothing does not let the older ones in.
  CHECK(claimed({{"forwarded", "secret=1"}, {"x-forwarded-for", "192.0.2.1"}}) == "- - -");
}

TEST_CASE("forwarded: an element is written with quotes where RFC 7239 wants them") {
  CHECK(written({.client = "192.0.2.1", .scheme = "https", .host = "a.example:81"}) ==
        "for=192.0.2.1;host=\"a.example:81\";proto=https");
  CHECK(written({.client = "2001:db8::1"}) == "for=\"[2001:db8::1]\"");
  CHECK(written({.scheme = "http"}) == "proto=http");
  const std::string long_host(300, 'a');
  CHECK(written({.client = "192.0.2.1", .host = long_host}) == "for=192.0.2.1");
  CHECK(written({.host = "a\"b"}).empty());
  CHECK(written({}).empty());
}

TEST_CASE("forwarded: what is written is read back as it was") {
  for (const char* client : {"192.0.2.1", "2001:db8::1"}) {
    const std::string element =
        written({.client = client, .scheme = "https", .host = "a.example:81"});
    CHECK(claimed({{"forwarded", element}}) == std::string(client) + " https a.example:81");
  }
}

TEST_CASE("forwarded: what only proxies write is known in each spelling that programs fold") {
  for (const char* name : {"Forwarded", "x-forwarded-for", "X_Forwarded_For", "x-forwarded_host",
                           "X-Real-IP", "x_real_ip", "x-forwarded-client-cert"}) {
    INFO(name);
    CHECK(claims_client(name));
  }
  for (const char* name : {"forwarded-for", "x-forwarded", "x-forwarded-", "x-real-ips", "x", ""}) {
    INFO(name);
    CHECK_FALSE(claims_client(name));
  }
}

TEST_CASE("hop fields: Connection, what it names, and the fields of a hop end here, no other") {
  const std::vector<Field> fields{{"Connection", "close, X-Mine"}, {"connection", "keep-alive, b"}};
  const HopFields hop{Fields(fields)};
  for (const char* name : {"connection", "Keep-Alive", "TE", "transfer-encoding", "upgrade",
                           "proxy-connection", "Proxy-Authorization", "proxy-authenticate", "proxy",
                           "x-mine", "B", "close", "http2-settings"}) {
    INFO(name);
    CHECK(hop.end_here(name));
  }
  for (const char* name : {"host", "trailer", "via", "x-min", "cookie", "proxy-status"}) {
    INFO(name);
    CHECK_FALSE(hop.end_here(name));
  }
  const std::vector<Field> plain{{"connection", "keep-alive"}, {"x-mine", "1"}};
  CHECK_FALSE(HopFields{Fields(plain)}.end_here("x-mine"));
}

} // namespace
} // namespace ringfort::http
