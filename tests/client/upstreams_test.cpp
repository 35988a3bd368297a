// Whose turn it is among the servers behind a gateway, and who is left alone for a time.
#include <map>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "net/upstreams.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {
namespace {

using namespace std::chrono_literals;
using net::Upstreams;

GatewayOptions options_of(std::size_t count, Balance balance) {
  GatewayOptions options{.upstreams = {}, .client = {.tls = Trusted().believed()}};
  for (std::size_t place = 0; place < count; ++place) {
    options.upstreams.push_back({.host = "server-" + std::to_string(place)});
  }
  options.balance = balance;
  return options;
}

TEST_CASE("upstreams: round robin asks each in its turn, and passes over who was tried") {
  const GatewayOptions options = options_of(3, Balance::round_robin);
  Upstreams upstreams(options);
  std::string order;
  for (int count = 0; count < 6; ++count) order += std::to_string(*upstreams.choose(0, 0, 0s));
  CHECK(order == "012012");
  CHECK(upstreams.choose(0b011, 0, 0s) == 2U);
  CHECK_FALSE(upstreams.choose(0b111, 0, 0s));
}

TEST_CASE("upstreams: least outstanding asks who has the fewest requests under way") {
  const GatewayOptions options = options_of(3, Balance::least_outstanding);
  Upstreams upstreams(options);
  for (const std::size_t place : {0U, 0U, 1U}) upstreams.on_begun(place);
  CHECK(upstreams.choose(0, 0, 0s) == 2U);
  upstreams.on_begun(2);
  upstreams.on_begun(2);
  CHECK(upstreams.choose(0, 0, 0s) == 1U);
  upstreams.on_ended(0);
  upstreams.on_ended(0);
  CHECK(upstreams.choose(0, 0, 0s) == 0U);
  CHECK(upstreams.choose(0b001, 0, 0s) == 1U);
}

TEST_CASE(
    "upstreams: who fails so often in a row is left alone for its time, unless nobody is left") {
  GatewayOptions options = options_of(2, Balance::round_robin);
  options.failures_max = 2;
  options.ejection_time = 10s;
  Upstreams upstreams(options);
  upstreams.on_failed(0, 0s);
  upstreams.on_reached(0);
  upstreams.on_failed(0, 0s);
  CHECK_FALSE(upstreams.ejected(0, 1s)); // Not in a row.
  upstreams.on_failed(0, 1s);
  CHECK(upstreams.ejected(0, 1s));
  for (int count = 0; count < 4; ++count) CHECK(upstreams.choose(0, 0, 2s) == 1U);
  CHECK(upstreams.choose(0b10, 0, 2s) == 0U);
  upstreams.on_failed(1, 2s);
  upstreams.on_failed(1, 2s);
  CHECK(upstreams.choose(0, 0, 3s));
  CHECK_FALSE(upstreams.ejected(0, 11s));
}

TEST_CASE("upstreams: who is not well has no requests until it is, and then at once") {
  GatewayOptions options = options_of(2, Balance::round_robin);
  options.health = {.target = "/", .failures_max = 2, .successes_min = 3};
  Upstreams upstreams(options);
  for (const bool well : {false, true, false}) upstreams.on_checked(0, well);
  CHECK(upstreams.choose(0b10, 0, 0s) == 0U); // Not in a row.
  upstreams.on_checked(0, false);
  CHECK_FALSE(upstreams.choose(0b10, 0, 0s));
  for (int count = 0; count < 3; ++count) CHECK(upstreams.choose(0, 0, 0s) == 1U);
  for (const bool well : {true, true, false, true, true}) upstreams.on_checked(0, well);
  CHECK_FALSE(upstreams.choose(0b10, 0, 0s));
  upstreams.on_checked(0, true);
  CHECK(upstreams.choose(0b10, 0, 0s) == 0U);
}

TEST_CASE(
    "upstreams: a hash leads to the same server, spreads evenly, and moves only who lost his") {
  const GatewayOptions options = options_of(8, Balance::peer_hash);
  Upstreams upstreams(options);
  std::map<std::size_t, unsigned> shares;
  unsigned moved = 0;
  for (unsigned client = 0; client < 8'000; ++client) {
    const std::uint64_t hash = net::hash_of("192.0.2." + std::to_string(client));
    const std::size_t place = *upstreams.choose(0, hash, 0s);
    CHECK(upstreams.choose(0, hash, 0s) == place);
    ++shares[place];
    const std::size_t without = *upstreams.choose(0b1000, hash, 0s);
    if (without != place) ++moved;
    if (place != 3) CHECK(without == place);
  }
  for (const auto& [place, share] : shares) {
    INFO(place);
    CHECK(share > 800);
    CHECK(share < 1'200);
  }
  CHECK(moved == shares[3]);
}

} // namespace
} // namespace ringfort::client
