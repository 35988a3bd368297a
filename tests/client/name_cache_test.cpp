// What is known of names, with the time given.
#include "net/name_cache.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::net {
namespace {

using namespace std::chrono_literals;
using State = KnownName::State;

KnownName& known(NameCache& cache, std::string_view text, std::chrono::seconds lifetime,
                 std::chrono::nanoseconds now = 0s) {
  KnownName* name = cache.add(text, nullptr);
  REQUIRE(name != nullptr);
  NameCache::answer(*name, fail(Code::resolve_failed), lifetime, now);
  name->state = State::known;
  return *name;
}

TEST_CASE("name cache: an answer is found until its lifetime has passed") {
  NameCache cache;
  known(cache, "a.test", 60s, 1h);
  CHECK(cache.find("a.test", 1h + 59s) != nullptr);
  CHECK(cache.find("b.test", 1h) == nullptr);
  CHECK(cache.find("a.test", 1h + 60s) == nullptr);
  CHECK(cache.find("a.test", 1h) == nullptr); // And it is forgotten.
}

TEST_CASE("name cache: no answer is kept for less than a second or more than five minutes") {
  NameCache cache;
  known(cache, "short.test", 0s);
  known(cache, "long.test", 24h);
  CHECK(cache.find("short.test", 999ms) != nullptr);
  CHECK(cache.find("short.test", 1s) == nullptr);
  CHECK(cache.find("long.test", 299s) != nullptr);
  CHECK(cache.find("long.test", 300s) == nullptr);
}

TEST_CASE("name cache: what is being asked or told does not expire") {
  NameCache cache;
  KnownName* name = cache.add("a.test", nullptr);
  CHECK(cache.find("a.test", 24h) == name);
  NameCache::answer(*name, fail(Code::resolve_failed), 1s, 0s);
  CHECK(name->state == State::answered);
  CHECK(cache.find("a.test", 24h) == name);
}

TEST_CASE("name cache: full, the oldest name that is known makes room, and none that is asked") {
  NameCache cache;
  REQUIRE(cache.add("asked.test", nullptr) != nullptr);
  for (std::size_t count = 1; count < NameCache::names_max; ++count) {
    known(cache, "n" + std::to_string(count), 60s);
  }
  REQUIRE(cache.add("new.test", nullptr) != nullptr);
  CHECK(cache.find("asked.test", 0s) != nullptr);
  CHECK(cache.find("n1", 0s) == nullptr);
  CHECK(cache.find("n2", 0s) != nullptr);
  CHECK(cache.find("new.test", 0s) != nullptr);
}

TEST_CASE("name cache: when all that there is room for are being asked there is none") {
  NameCache cache;
  for (std::size_t count = 0; count < NameCache::names_max; ++count) {
    REQUIRE(cache.add("n" + std::to_string(count), nullptr) != nullptr);
  }
  CHECK(cache.add("new.test", nullptr) == nullptr);
}

} // namespace
} // namespace ringfort::net
