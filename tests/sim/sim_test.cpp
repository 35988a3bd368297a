// The whole engine in simulated worlds, one per seed.
//
// campaign.hpp says how to run others than the usual seeds; README.md beside it says more.
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/peer/identity.hpp"
#include "tests/sim/campaign.hpp"
#include "tests/sim/scenario.hpp"

namespace ringfort::sim {
namespace {

ScenarioOptions options_of(std::uint64_t seed, const tls::Context* context,
                           Plant plant = Plant::nothing) {
  return {.seed = seed, .context = context, .plant = plant};
}

/// Runs the one seed asked for, or `count` of them, and counts what they did.
struct Campaign {
  Campaign(std::uint64_t first, std::uint64_t count, const tls::Context* context,
           RecordLayer records = RecordLayer::user) {
    const Seeds seeds(first, count);
    failures = failures_in(seeds, [&](std::uint64_t seed) {
      ScenarioOptions options = options_of(seed, context);
      options.records = records;
      const Verdict verdict = run_scenario(options);
      answers += verdict.answers;
      clients += verdict.clients;
      turns += verdict.turns;
      refused += verdict.refused;
      kernel_sides += verdict.kernel_sides;
      refused_sides += verdict.refused_sides;
      return verdict.findings.empty() ? std::string() : verdict.text(options);
    });
    UNSCOPED_INFO(seeds.count << " worlds, " << clients << " clients, " << answers << " answers, "
                              << refused << " refused, " << turns << " turns");
  }

  int failures = 0;
  std::uint64_t answers = 0;
  std::uint64_t clients = 0;
  std::uint64_t turns = 0;
  std::uint64_t refused = 0;
  std::uint64_t kernel_sides = 0;
  std::uint64_t refused_sides = 0;
};

/// RSA, because its signatures all have one length: a run depends on its seed alone.
tls::Context make_context() { return peer::make_context({peer::KeyType::rsa_2048}); }

TEST_CASE("sim: clients get right answers and everything is returned", "[sim][seeds]") {
  const Campaign campaign(0x5eed0000, 1'000, nullptr);
  CHECK(campaign.failures == 0);
  CHECK(campaign.answers > campaign.clients);
}

TEST_CASE("sim: the same holds over TLS", "[sim][tls-seeds]") {
  const tls::Context context = make_context();
  const Campaign campaign(0x5eed0000, 100, &context);
  CHECK(campaign.failures == 0);
  CHECK(campaign.answers > campaign.clients);
}

TEST_CASE("sim: the same holds with records in the kernel's hands", "[sim][kernel-seeds]") {
  const tls::Context context = make_context();
  const Campaign campaign(0x5eed0000, 100, &context, RecordLayer::kernel);
  CHECK(campaign.failures == 0);
  CHECK(campaign.answers > campaign.clients);
  CHECK(campaign.kernel_sides > 100);
  CHECK(campaign.refused_sides > 50);
}

TEST_CASE("sim: the same holds with only what is sent in them", "[sim][kernel-send-seeds]") {
  const tls::Context context = make_context();
  const Campaign campaign(0x5eed1000, 50, &context, RecordLayer::kernel_send);
  CHECK(campaign.failures == 0);
  CHECK(campaign.kernel_sides > 25);
}

TEST_CASE("sim: a run is a function of its seed", "[sim]") {
  const tls::Context context = make_context();
  for (const tls::Context* used : {static_cast<const tls::Context*>(nullptr), &context}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto first = run_scenario(options_of(seed, used));
      const auto second = run_scenario(options_of(seed, used));
      CHECK(first.trace_hash == second.trace_hash);
      CHECK(first.trace_hash != run_scenario(options_of(seed + 100, used)).trace_hash);
    }
  }
}

TEST_CASE("sim: a run whose first draws are given is a function of them, too", "[sim]") {
  const auto hash_of = [](std::byte draw) {
    const std::vector<std::byte> draws(400, draw);
    ScenarioOptions options = options_of(1, nullptr);
    options.draws = draws;
    const Verdict verdict = run_scenario(options);
    CHECK(verdict.findings.empty());
    return verdict.trace_hash;
  };
  CHECK(hash_of(std::byte{1}) == hash_of(std::byte{1}));
  CHECK(hash_of(std::byte{1}) != hash_of(std::byte{2}));
}

TEST_CASE("sim: a planted defect is found", "[sim]") {
  // A changed byte can fall where nobody looks: into a field that is ignored, or a lost client's.
  const auto [plant, name, percent_min] = GENERATE(table<Plant, std::string, std::uint64_t>({
      {Plant::loses_buffer, "loses_buffer", 100},
      {Plant::loses_completion, "loses_completion", 100},
      {Plant::leaks_descriptor, "leaks_descriptor", 100},
      {Plant::corrupts_byte, "corrupts_byte", 30},
      {Plant::loses_wake, "loses_wake", 10}, // Nor is a wake missed that was one of several.
      {Plant::skips_telling, "skips_telling", 100},
      {Plant::keeps_block, "keeps_block", 100},
  }));
  INFO(name);
  const Hunt hunted =
      hunt([&](std::uint64_t seed) { return run_scenario(options_of(seed, nullptr, plant)); });
  CHECK(hunted.committed > 5);
  CHECK(hunted.noticed * 100 >= hunted.committed * percent_min);
}

} // namespace
} // namespace ringfort::sim
