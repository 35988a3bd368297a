// Our client against our servers in simulated worlds, one per seed.
//
// campaign.hpp says how to run others than the usual seeds; README.md beside it says more.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/peer/authority.hpp"
#include "tests/sim/call_world.hpp"
#include "tests/sim/campaign.hpp"

namespace ringfort::sim {
namespace {

/// What both sides need to know of each other. RSA, because its signatures all have one length: a
/// run depends on its seed alone.
struct Trust {
  Trust() {
    tls::ContextOptions serving;
    serving.identities = {authority.issue({.subject = "localhost",
                                           .names = "DNS:localhost",
                                           .purpose = "serverAuth",
                                           .type = peer::KeyType::rsa_2048})};
    context = tls::Context::create(std::move(serving)).value();
    tls::ClientContextOptions believing;
    believing.authorities_pem = authority.pem();
    trust = tls::ClientContext::create(believing).value();
    believing.sessions_max = 0;
    forgetful = tls::ClientContext::create(std::move(believing)).value();
  }

  CallWorldOptions options(std::uint64_t seed, bool encrypted, Plant plant = Plant::nothing) const {
    return {.seed = seed,
            .context = encrypted ? &*context : nullptr,
            .trust = &*trust,
            .forgetful = &*forgetful,
            .plant = plant};
  }

  peer::Authority authority{"calls"};
  std::optional<tls::Context> context;
  std::optional<tls::ClientContext> trust;
  std::optional<tls::ClientContext> forgetful;
};

/// Runs the one seed asked for, or `count` of them, and counts what they did.
struct Campaign {
  Campaign(std::uint64_t count, bool encrypted, RecordLayer records = RecordLayer::user) {
    const Trust trust;
    const Seeds seeds(0xca110000, count);
    failures = failures_in(seeds, [&](std::uint64_t seed) {
      CallWorldOptions options = trust.options(seed, encrypted);
      options.records = records;
      const CallVerdict verdict = run_call_world(options);
      sum.add(verdict.tally);
      return verdict.findings.empty() ? std::string() : verdict.text(options);
    });
    UNSCOPED_INFO(seeds.count << " worlds, " << sum.calls << " calls, " << sum.answered
                              << " answered, " << sum.failed << " failed, " << sum.reused
                              << " on reused connections, " << sum.retried << " retried, "
                              << sum.resumed << " resumed, " << sum.turns << " turns");
  }

  int failures = 0;
  CallTally sum;
};

TEST_CASE("RQ-13: a call ends once, is handled at most once, and is whole when it says so",
          "[sim][call-seeds]") {
  const Campaign campaign(250, false);
  CHECK(campaign.failures == 0);
  CHECK(campaign.sum.reused > 0);
  CHECK(campaign.sum.answered > campaign.sum.failed);
}

TEST_CASE("calls: the same holds over TLS, with sessions and without", "[sim][tls-call-seeds]") {
  const Campaign campaign(40, true);
  CHECK(campaign.failures == 0);
  CHECK(campaign.sum.answered > campaign.sum.failed);
}

TEST_CASE("calls: the same holds with records in the kernel's hands", "[sim][kernel-call-seeds]") {
  const Campaign campaign(40, true, RecordLayer::kernel);
  CHECK(campaign.failures == 0);
  CHECK(campaign.sum.kernel_sides > 0);
  CHECK(campaign.sum.answered > campaign.sum.failed);
}

TEST_CASE("calls: worlds that once found a defect find none", "[sim][calls]") {
  // A call was given a connection between two timers of one turn, and was then judged by the time
  // for which that had been idle.
  constexpr std::uint64_t taken_while_late = 0xa100349c;
  const Trust trust;
  const CallWorldOptions options = trust.options(taken_while_late, true);
  const CallVerdict verdict = run_call_world(options);
  INFO(verdict.text(options));
  CHECK(verdict.findings.empty());
}

TEST_CASE("calls: a connection that was answered early serves another when its request is out",
          "[sim][calls]") {
  // More than a server reads and drops: it closes, and what follows on the connection is lost.
  const Ask early{.number = 1,
                  .manner = Manner::early,
                  .destination = {},
                  .method = "POST",
                  .streams = true,
                  .upload_bytes = 100'000,
                  .piece_bytes_max = 100'000};
  const std::vector<Ask> asks = {early, {.number = 2, .destination = {}}};
  const Trust trust;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CallWorldOptions options = trust.options(seed, false);
    options.asks = &asks;
    const CallVerdict verdict = run_call_world(options);
    INFO(verdict.text(options));
    CHECK(verdict.findings.empty());
  }
}

TEST_CASE("calls: a run is a function of its seed", "[sim]") {
  const Trust trust;
  for (const bool encrypted : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto first = run_call_world(trust.options(seed, encrypted));
      const auto second = run_call_world(trust.options(seed, encrypted));
      CHECK(first.trace_hash == second.trace_hash);
      CHECK(first.trace_hash != run_call_world(trust.options(seed + 100, encrypted)).trace_hash);
    }
  }
}

TEST_CASE("calls: a planted defect is found", "[sim]") {
  const Trust trust;
  // A call that is sent again may be lost again before anybody sees it, and a changed byte can fall
  // where nobody looks.
  const auto [plant, name, percent_min] = GENERATE(table<Plant, std::string, std::uint64_t>({
      {Plant::repeats_call, "repeats_call", 25},
      {Plant::corrupts_byte, "corrupts_byte", 30},
      {Plant::keeps_block, "keeps_block", 100},
  }));
  INFO(name);
  const Hunt hunted =
      hunt([&](std::uint64_t seed) { return run_call_world(trust.options(seed, false, plant)); });
  INFO(hunted.noticed << " of " << hunted.committed);
  CHECK(hunted.committed > 5);
  CHECK(hunted.noticed * 100 >= hunted.committed * percent_min);
}

} // namespace
} // namespace ringfort::sim
