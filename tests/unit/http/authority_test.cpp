// Authorities that the parser would refuse before: what valid_authority() says of them by itself.
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "http/authority.hpp"

namespace ringfort::http {
namespace {

using namespace std::string_view_literals;

TEST_CASE("authority: an address is read to its end, and a NUL inside it is no end") {
  CHECK(valid_authority("[::1]:8443"));
  CHECK_FALSE(valid_authority("[::1\0x]:8443"sv));
  CHECK_FALSE(valid_authority("[::1\0]"sv));
}

} // namespace
} // namespace ringfort::http
