// The resolver, against a name server of the test's own.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ares.h>
#include <catch2/catch_test_macros.hpp>

#include "net/resolver.hpp"
#include "tests/client/name_server.hpp"

namespace ringfort::net {
namespace {

using namespace std::chrono_literals;
using Way = NameScript::Way;

/// A lookup that remembers what it was told.
struct LookupRecord {
  std::optional<Result<Addresses>> answer;
  unsigned told_count = 0;
  Lookup lookup{this, [](void* self, const Result<Addresses>& told) noexcept {
                  auto& record = *static_cast<LookupRecord*>(self);
                  record.answer = told;
                  ++record.told_count;
                }};
};

std::string text_of(const Result<Addresses>& answer) {
  if (!answer) return full_name(fault_of(answer.error().code));
  std::string text;
  for (const auto& address : answer->all()) text += (text.empty() ? "" : " ") + address.text();
  return text;
}

/// A loop with a resolver, and the only name server that it knows.
struct Bench {
  Bench() {
    loop = std::move(*engine::Loop::create({.ring = {.submission_entries = 8,
                                                     .completion_entries = 64,
                                                     .buffer_count = 2,
                                                     .buffer_bytes = 1'024},
                                            .block_count = 4}));
    resolver = std::move(*Resolver::create(*loop, server.address()));
    turn();
  }
  ~Bench() {
    resolver->stop();
    turn_until([this] { return resolver->settled(); });
  }
  void turn() {
    REQUIRE(loop->turn(10ms));
    server.serve();
  }
  void turn_until(auto done) {
    for (int turns = 0; !done() && turns < 1'000; ++turns) turn();
    REQUIRE(done());
  }
  /// What `host` resolves to, as text; " at once" is added when it took no turn.
  std::string resolve(std::string_view host, std::chrono::nanoseconds timeout = 10s) {
    LookupRecord record;
    if (const auto known = resolver->resolve(host, 443, timeout, record.lookup)) {
      detail = *known ? 0 : known->error().detail;
      return text_of(*known) + " at once";
    }
    turn_until([&record] { return record.told_count > 0 && !record.lookup.under_way(); });
    detail = *record.answer ? 0 : record.answer->error().detail;
    return text_of(*record.answer);
  }

  NameServer server;
  std::unique_ptr<engine::Loop> loop;
  std::unique_ptr<Resolver> resolver;
  std::int32_t detail = 0; ///< of the last failure
};

TEST_CASE("resolver: a literal address is its own answer, at once and without a query") {
  Bench bench;
  CHECK(bench.resolve("192.0.2.7") == "192.0.2.7:443 at once");
  CHECK(bench.resolve("2001:db8::7") == "[2001:db8::7]:443 at once");
}

TEST_CASE("resolver: localhost is known without a name server") {
  Bench bench;
  const std::string answer = bench.resolve("localhost");
  CHECK(answer.contains("127.0.0.1:443"));
  CHECK(answer.ends_with(" at once"));
  CHECK(bench.resolve("LocalHost") == answer);
  CHECK(bench.server.query_count("localhost") == 0);
}

TEST_CASE("resolver: a name has its A and AAAA records, and is asked for in lower case") {
  Bench bench;
  bench.server.script("both.test", {.addresses = {"127.0.0.1", "::1"}});
  const std::string answer = bench.resolve("Both.TEST");
  CHECK(answer.contains("127.0.0.1:443"));
  CHECK(answer.contains("[::1]:443"));
  CHECK(bench.server.query_count("both.test") == 2);
}

TEST_CASE("resolver: AAAA records are told at once, and A records when they come") {
  Bench bench;
  bench.server.script("both.test", {.addresses = {"127.0.0.1", "::1"}, .held_type = type_a});
  LookupRecord record;
  CHECK_FALSE(bench.resolver->resolve("both.test", 1, 10s, record.lookup).has_value());
  bench.turn_until([&] { return record.told_count == 1; });
  CHECK(text_of(*record.answer) == "[::1]:1");
  CHECK(record.lookup.under_way());
  LookupRecord later;
  CHECK_FALSE(bench.resolver->resolve("both.test", 2, 10s, later.lookup).has_value());
  bench.turn_until([&] { return later.told_count == 1; });
  CHECK(text_of(*later.answer) == "[::1]:2");
  CHECK(record.told_count == 1);
  bench.server.release();
  bench.turn_until([&] { return record.told_count == 2 && later.told_count == 2; });
  CHECK(text_of(*record.answer) == "[::1]:1 127.0.0.1:1");
  CHECK(text_of(*later.answer) == "[::1]:2 127.0.0.1:2");
  CHECK_FALSE(record.lookup.under_way());
  CHECK(bench.resolve("both.test") == "[::1]:443 127.0.0.1:443 at once");
}

TEST_CASE("resolver: A records wait 50 ms for AAAA records, and are told without them then") {
  Bench bench;
  bench.server.script("both.test", {.addresses = {"127.0.0.1", "::1"}, .held_type = type_aaaa});
  LookupRecord record;
  CHECK_FALSE(bench.resolver->resolve("both.test", 1, 10s, record.lookup).has_value());
  const auto asked = bench.loop->now();
  bench.turn_until([&] { return record.told_count == 1; });
  CHECK(bench.loop->now() - asked >= 50ms);
  CHECK(text_of(*record.answer) == "127.0.0.1:1");
  CHECK(record.lookup.under_way());
  bench.server.release();
  bench.turn_until([&] { return record.told_count == 2; });
  CHECK(text_of(*record.answer) == "[::1]:1 127.0.0.1:1");
}

TEST_CASE("resolver: one family's end without records is no answer for the other") {
  for (const unsigned held_type : {type_a, type_aaaa}) {
    Bench bench;
    const std::string only = held_type == type_a ? "127.0.0.1" : "::1";
    bench.server.script("one.test", {.addresses = {only}, .held_type = held_type});
    LookupRecord record;
    CHECK_FALSE(bench.resolver->resolve("one.test", 443, 10s, record.lookup).has_value());
    bench.turn_until([&] { return bench.server.holds(); });
    bench.turn();
    CHECK(record.told_count == 0);
    bench.server.release();
    bench.turn_until([&] { return record.told_count == 1; });
    CHECK_FALSE(record.lookup.under_way());
    CHECK(text_of(*record.answer).contains(only));
  }
}

TEST_CASE("resolver: a lookup that was told of one family ends by its time without the other") {
  Bench bench;
  bench.server.script("both.test", {.addresses = {"127.0.0.1", "::1"}, .held_type = type_a});
  LookupRecord record;
  CHECK_FALSE(bench.resolver->resolve("both.test", 1, 20ms, record.lookup).has_value());
  bench.turn_until([&] { return record.told_count == 2; });
  CHECK(text_of(*record.answer) == "resolve.timed_out");
  CHECK_FALSE(record.lookup.under_way());
}

TEST_CASE("resolver: an answer is kept, for any port and any spelling of the name") {
  Bench bench;
  bench.server.script("kept.test", {.addresses = {"127.0.0.1"}});
  CHECK(bench.resolve("kept.test") == "127.0.0.1:443");
  CHECK(bench.resolve("KEPT.test.") == "127.0.0.1:443 at once");
  LookupRecord other_port;
  const auto known = bench.resolver->resolve("kept.test", 8'443, 10s, other_port.lookup);
  REQUIRE(known.has_value());
  CHECK(text_of(*known) == "127.0.0.1:8443");
  CHECK(bench.server.query_count("kept.test") == 2);
}

TEST_CASE("resolver: an answer behind an alias is found") {
  Bench bench;
  bench.server.script("alias.test", {.addresses = {"127.0.0.1"}, .alias_of = "real.test"});
  CHECK(bench.resolve("alias.test") == "127.0.0.1:443");
}

TEST_CASE("resolver: lookups of one name share one query, and each is told with its own port") {
  Bench bench;
  bench.server.script("shared.test", {.addresses = {"127.0.0.1"}});
  LookupRecord first;
  LookupRecord second;
  CHECK_FALSE(bench.resolver->resolve("shared.test", 1, 10s, first.lookup).has_value());
  CHECK_FALSE(bench.resolver->resolve("shared.test", 2, 10s, second.lookup).has_value());
  bench.turn_until([&] { return first.answer && second.answer; });
  CHECK(text_of(*first.answer) == "127.0.0.1:1");
  CHECK(text_of(*second.answer) == "127.0.0.1:2");
  CHECK(bench.server.query_count("shared.test") == 2);
}

TEST_CASE("resolver: a name that does not exist is resolve.name_unknown, and that is kept") {
  Bench bench;
  CHECK(bench.resolve("nobody.test") == "resolve.name_unknown");
  CHECK(bench.detail == ARES_ENOTFOUND);
  const unsigned queries = bench.server.query_count("nobody.test");
  CHECK(bench.resolve("nobody.test") == "resolve.name_unknown at once");
  CHECK(bench.server.query_count("nobody.test") == queries);
}

TEST_CASE("resolver: a name without an address is resolve.name_unknown") {
  Bench bench;
  bench.server.script("empty.test", {});
  CHECK(bench.resolve("empty.test") == "resolve.name_unknown");
  CHECK(bench.detail == ARES_ENODATA);
}

TEST_CASE("resolver: what is no host name is resolve.name_unknown, and nobody is asked") {
  Bench bench;
  for (const std::string& host : {std::string(), std::string("a b.test"), std::string("x..test"),
                                  std::string(300, 'x'), std::string("[::1")}) {
    CHECK(bench.resolve(host) == "resolve.name_unknown at once");
    CHECK(bench.detail == ARES_EBADNAME);
  }
}

TEST_CASE("resolver: a name server that fails is resolve.failed") {
  Bench bench;
  bench.server.script("broken.test", {.response_code = 2});
  CHECK(bench.resolve("broken.test") == "resolve.failed");
}

TEST_CASE("resolver: silence and junk end with resolve.timed_out, after the lookup's own time") {
  for (const Way way : {Way::is_silent, Way::sends_junk}) {
    Bench bench;
    bench.server.script("late.test", {.way = way});
    CHECK(bench.resolve("late.test", 20ms) == "resolve.timed_out");
    CHECK(bench.server.query_count("late.test") > 0);
  }
}

TEST_CASE("resolver: who asks again joins the query that is under way") {
  Bench bench;
  bench.server.script("slow.test", {.way = Way::is_silent});
  CHECK(bench.resolve("slow.test", 20ms) == "resolve.timed_out");
  const unsigned queries = bench.server.query_count("slow.test");
  CHECK(bench.resolve("slow.test", 20ms) == "resolve.timed_out");
  CHECK(bench.server.query_count("slow.test") == queries);
}

TEST_CASE("resolver: an answer that does not fit a datagram is fetched over TCP") {
  Bench bench;
  bench.server.script("long.test", {.way = Way::answers_over_tcp, .addresses = {"127.0.0.1"}});
  CHECK(bench.resolve("long.test") == "127.0.0.1:443");
}

TEST_CASE("resolver: a cancelled lookup is told nothing, and its answer is kept all the same") {
  Bench bench;
  bench.server.script("gone.test", {.addresses = {"127.0.0.1"}});
  LookupRecord gone;
  LookupRecord stays;
  CHECK_FALSE(bench.resolver->resolve("gone.test", 1, 10s, gone.lookup).has_value());
  CHECK_FALSE(bench.resolver->resolve("gone.test", 1, 10s, stays.lookup).has_value());
  bench.resolver->cancel(gone.lookup);
  bench.turn_until([&stays] { return stays.answer.has_value(); });
  CHECK(gone.told_count == 0);
  CHECK(bench.resolve("gone.test") == "127.0.0.1:443 at once");
}

TEST_CASE("resolver: stopped with a query under way it settles, and who waits is told so") {
  Bench bench;
  bench.server.script("slow.test", {.way = Way::is_silent});
  LookupRecord waits;
  CHECK_FALSE(bench.resolver->resolve("slow.test", 1, 10s, waits.lookup).has_value());
  bench.turn();
  bench.resolver->stop();
  CHECK_FALSE(bench.resolver->settled());
  bench.turn_until([&bench] { return bench.resolver->settled(); });
  REQUIRE(waits.answer.has_value());
  CHECK(text_of(*waits.answer) == "resolve.failed");
  CHECK(bench.resolve("both.test") == "resolve.failed at once");
  CHECK(bench.loop->timers().armed_count() == 0);
}

TEST_CASE("resolver: who is told may cancel the next, ask again, and stop") {
  struct Chain {
    Bench bench;
    LookupRecord second;
    Lookup first{this, [](void* self, const Result<Addresses>& told) noexcept {
                   auto& chain = *static_cast<Chain*>(self);
                   chain.bench.resolver->cancel(chain.second.lookup);
                   chain.again = chain.bench.resolver->resolve("name.test", 5, 10s, chain.first);
                   chain.said = text_of(told);
                   chain.bench.resolver->stop();
                 }};
    std::optional<Result<Addresses>> again;
    std::string said;
  };
  Chain chain;
  chain.bench.server.script("name.test", {.addresses = {"127.0.0.1"}});
  CHECK_FALSE(chain.bench.resolver->resolve("name.test", 1, 10s, chain.first).has_value());
  CHECK_FALSE(chain.bench.resolver->resolve("name.test", 2, 10s, chain.second.lookup).has_value());
  chain.bench.turn_until([&chain] { return chain.bench.resolver->settled(); });
  CHECK(chain.said == "127.0.0.1:1");
  REQUIRE(chain.again.has_value());
  CHECK(text_of(*chain.again) == "127.0.0.1:5");
  CHECK(chain.second.told_count == 0);
}

TEST_CASE("resolver: name servers that are no addresses are config.invalid") {
  Bench bench;
  const auto refused = Resolver::create(*bench.loop, "not an address");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::config_invalid);
}

} // namespace
} // namespace ringfort::net
