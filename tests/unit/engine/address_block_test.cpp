// Which addresses share a block's first bits.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "engine/address_block.hpp"

namespace ringfort::engine {
namespace {

bool contains(std::string_view block, std::string_view address) {
  return AddressBlock::parse(block).value().contains(SocketAddress::parse(address, 443).value());
}

TEST_CASE("address block: it has those addresses whose first bits are its own, and no other") {
  CHECK(contains("192.0.2.0/24", "192.0.2.255"));
  CHECK_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
  CHECK(contains("192.0.2.128/25", "192.0.2.128"));
  CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  CHECK(contains("192.0.2.7/23", "192.0.3.1")); // The bits behind the first count for nothing.
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK(contains("192.0.2.1/32", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1", "192.0.2.0"));
  CHECK(contains("2001:db8::/32", "2001:db8:ffff::1"));
  CHECK_FALSE(contains("2001:db8::/32", "2001:db9::"));
  CHECK(contains("[::1]", "::1"));
}

TEST_CASE("address block: an IPv4 address mapped into IPv6 is the IPv4 address") {
  CHECK(contains("192.0.2.0/24", "::ffff:192.0.2.9"));
  CHECK(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
  CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  CHECK(contains("::/0", "192.0.2.9"));
}

TEST_CASE("address block: what is no address, or has no such count of bits, is none") {
  for (const char* text :
       {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/2x",
        "2001:db8::/129", "example.com", "192.0.2/24", "192.0.2.0/24/24", "192.0.2.0 /24"}) {
    INFO(text);
    CHECK_FALSE(AddressBlock::parse(text));
  }
}

} // namespace
} // namespace ringfort::engine
