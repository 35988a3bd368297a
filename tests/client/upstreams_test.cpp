// Whose turn it is among the servers behind a gateway, and who is left alone for a time.
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

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
  for (const bool well : {false, true, false}) upstreams.on_checked(0, well, 0s);
  CHECK(upstreams.choose(0b10, 0, 0s) == 0U); // Not in a row.
  upstreams.on_checked(0, false, 0s);
  CHECK_FALSE(upstreams.choose(0b10, 0, 0s));
  for (int count = 0; count < 3; ++count) CHECK(upstreams.choose(0, 0, 0s) == 1U);
  for (const bool well : {true, true, false, true, true}) upstreams.on_checked(0, well, 0s);
  CHECK_FALSE(upstreams.choose(0b10, 0, 0s));
  upstreams.on_checked(0, true, 0s);
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

/// Of so many turns at a time.
unsigned turns_of(Upstreams& upstreams, std::size_t place, std::chrono::nanoseconds now) {
  unsigned turns = 0;
  for (int count = 0; count < 1'000; ++count) turns += upstreams.choose(0, 0, now) == place;
  return turns;
}

TEST_CASE(
    "upstreams: who comes back begins with a tenth of its turns, and has all of them in time") {
  GatewayOptions options = options_of(2, Balance::round_robin);
  options.slow_start = 10s;
  options.failures_max = 1;
  options.ejection_time = 5s;
  options.health = {.target = "/", .failures_max = 1, .successes_min = 1};
  const auto board = std::make_shared<net::UpstreamBoard>(2);
  Upstreams upstreams(options, board);
  CHECK(turns_of(upstreams, 0, 100s) == 500); // Nobody has come back yet.
  const std::string_view from = GENERATE("an ejection", "failed checks", "a drain");
  INFO(from);
  if (from == "an ejection") upstreams.on_failed(0, 95s);
  if (from == "failed checks") upstreams.on_checked(0, false, 99s);
  if (from == "a drain") board->set_drained(0, true);
  CHECK(turns_of(upstreams, 0, 99s) == 0);
  if (from == "failed checks") upstreams.on_checked(0, true, 100s);
  if (from == "a drain") board->set_drained(0, false);
  // When it may come it takes a tenth of its turns, so one in 11; in the middle 55 of 155.
  CHECK(turns_of(upstreams, 0, 100s) / 2 == 45);
  CHECK(turns_of(upstreams, 0, 105s) / 2 == 177);
  CHECK(turns_of(upstreams, 0, 110s) == 500);
  upstreams.on_failed(0, 110s);
  CHECK(upstreams.choose(0b10, 0, 115s) == 0U); // Alone it has them all.
}

TEST_CASE("upstreams: by least outstanding a slow start counts for so much busier") {
  GatewayOptions options = options_of(2, Balance::least_outstanding);
  options.slow_start = 10s;
  options.failures_max = 1;
  options.ejection_time = 5s;
  Upstreams upstreams(options);
  upstreams.on_failed(0, 0s);
  for (int count = 0; count < 9; ++count) {
    CHECK(upstreams.choose(0, 0, 5s) == 1U);
    upstreams.on_begun(1);
  }
  upstreams.on_begun(1); // Ten there are as busy as none of its own.
  CHECK(upstreams.choose(0, 0, 5s) == 0U);
  CHECK(upstreams.choose(0, 0, 15s) == 0U);
}

TEST_CASE("upstreams: who is drained has no request, whoever else is left") {
  for (const Balance balance : {Balance::round_robin, Balance::peer_hash}) {
    const GatewayOptions options = options_of(2, balance);
    const auto board = std::make_shared<net::UpstreamBoard>(2);
    Upstreams upstreams(options, board);
    board->set_drained(1, true);
    for (std::uint64_t hash = 0; hash < 20; ++hash) CHECK(upstreams.choose(0, hash, 0s) == 0U);
    CHECK_FALSE(upstreams.has_others(0b01));
    CHECK_FALSE(upstreams.choose(0b01, 0, 0s));
    board->set_drained(0, true);
    CHECK_FALSE(upstreams.choose(0, 0, 0s));
    board->set_drained(1, false);
    CHECK(upstreams.choose(0, 0, 0s) == 1U);
  }
}

TEST_CASE("upstreams: a board adds what each shard saw, and keeps it when one ends") {
  GatewayOptions options = options_of(2, Balance::round_robin);
  options.failures_max = 1;
  options.ejection_time = 10s;
  options.health = {.target = "/", .failures_max = 1, .successes_min = 1};
  const auto board = std::make_shared<net::UpstreamBoard>(2);
  std::optional<Upstreams> one(std::in_place, options, board);
  Upstreams other(options, board);
  const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
  one->on_begun(0);
  one->on_unanswered(0);
  one->on_ended(0);
  other.on_begun(0);
  other.on_failed(1, now);
  other.on_checked(0, false, now);
  const auto reports = [&] {
    std::vector<UpstreamReport> both(2);
    board->add_to(both);
    return both;
  };
  std::vector<UpstreamReport> told = reports();
  CHECK(told[0].shards == 2);
  CHECK(told[0].requests == 2);
  CHECK(told[0].outstanding == 1);
  CHECK(told[0].unanswered == 1);
  CHECK(told[0].shards_unwell == 1);
  CHECK(told[0].checks_failed == 1);
  CHECK(told[1].unreached == 1);
  CHECK(told[1].ejections == 1);
  CHECK(told[1].shards_ejecting == 1);
  one.reset();
  told = reports();
  CHECK(told[0].shards == 1);
  CHECK(told[0].requests == 2);
  CHECK(told[0].unanswered == 1);
  CHECK(told[0].outstanding == 1);
}

} // namespace
} // namespace ringfort::client
