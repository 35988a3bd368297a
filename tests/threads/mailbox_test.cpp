// A shard's mailbox: jobs from several threads, while it serves and while it ends.
#include <array>
#include <atomic>
#include <cstdint>

#include <catch2/catch_test_macros.hpp>

#include "tests/surface/connection.hpp"
#include "tests/threads/running.hpp"

namespace ringfort::threads {
namespace {

using surface::Connection;

/// What a shard's jobs write, without a lock: they run on its thread alone.
struct alignas(64) Tally {
  std::uint64_t jobs = 0;
  std::uint64_t brought = 0;
};

ServiceFactory counting(std::array<Tally, shard_count>& tallies) {
  return [&tallies](Shard& shard) {
    return service([&tally = tallies[shard.index()]](Exchange& exchange) {
      exchange.respond(200, {}, Payload::copied(std::to_string(tally.jobs) + "!"));
    });
  };
}

TEST_CASE("threads: jobs posted by several threads run once each, beside requests on their shard") {
  constexpr unsigned posters = 4;
  constexpr unsigned clients = 2;
  constexpr unsigned jobs_each = 2'000;
  constexpr unsigned requests_each = 100;
  std::array<Tally, shard_count> tallies;
  std::atomic<unsigned> refused = 0;
  std::atomic<unsigned> answered = 0;
  Running running;
  const auto bound = running->serve_plain({.port = 0}, counting(tallies));
  REQUIRE(bound);
  running.run();
  together(posters + clients, [&](unsigned index) {
    if (index < posters) {
      for (unsigned job = 0; job < jobs_each; ++job) {
        auto cargo = std::make_unique<unsigned>(1); // Written here, read and freed there.
        Tally& tally = tallies[job % shard_count];
        const bool taken = running->shard(job % shard_count).post([&tally, c = std::move(cargo)] {
          ++tally.jobs;
          tally.brought += *c;
        });
        if (!taken) ++refused;
      }
      return;
    }
    for (unsigned request = 0; request < requests_each; ++request) {
      Connection client(bound->port);
      client.send(get);
      if (client.read_until("!").ends_with('!')) ++answered;
    }
  });
  running->drain(std::chrono::seconds(10));
  REQUIRE(running.join());
  CHECK(refused == 0);
  CHECK(answered == clients * requests_each);
  std::uint64_t jobs = 0;
  std::uint64_t brought = 0;
  for (const Tally& tally : tallies) jobs += tally.jobs, brought += tally.brought;
  CHECK(jobs == posters * jobs_each);
  CHECK(brought == jobs);
}

TEST_CASE("threads: while shards end each job is taken and run, or refused and not") {
  constexpr unsigned posters = 3;
  constexpr unsigned jobs_before_the_end = 50;
  for (unsigned round = 0; round < 5; ++round) {
    std::array<Tally, shard_count> tallies;
    std::atomic<unsigned> taken = 0;
    Running running;
    REQUIRE(running->serve_plain({.port = 0}, counting(tallies)));
    running.run();
    together(posters + 1, [&](unsigned index) {
      if (index == posters) {
        for (unsigned seen = taken; seen < jobs_before_the_end; seen = taken) taken.wait(seen);
        return running->drain(std::chrono::milliseconds(1));
      }
      for (unsigned open = shard_count; open > 0;) {
        open = 0;
        for (unsigned shard = 0; shard < shard_count; ++shard) {
          Tally& tally = tallies[shard];
          if (!running->shard(shard).post([&tally] { ++tally.jobs; })) continue;
          ++taken;
          taken.notify_one();
          ++open;
        }
      }
    });
    REQUIRE(running.join());
    std::uint64_t jobs = 0;
    for (const Tally& tally : tallies) jobs += tally.jobs;
    CHECK(jobs == taken);
  }
}

} // namespace
} // namespace ringfort::threads
