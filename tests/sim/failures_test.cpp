// Each operation of a scenario fails once, whichever it is and however it can: what is to be given
// back is given back, nobody is answered twice, and who was not hit is served.
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tests/sim/rehearsals.hpp"

namespace ringfort::sim {
namespace {

struct Kind {
  Occasion occasion;
  std::string name;
  std::vector<int> errors;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {Occasion::accept,
       "accept",
       {ECONNABORTED, EMFILE, ENOBUFS, EPERM, EINTR, EAGAIN, ECANCELED}},
      {Occasion::receive,
       "receive",
       {ECONNRESET, ETIMEDOUT, EPIPE, ENOBUFS, EINTR, EAGAIN, ECANCELED}},
      {Occasion::send, "send", {ECONNRESET, EPIPE, ETIMEDOUT, ENOBUFS, EINTR, EAGAIN, ECANCELED}},
      {Occasion::install, "install", {ENOMEM, EINVAL, EINTR, ECANCELED}},
  };
  return all;
}

/// RSA: see sim_test.cpp.
const tls::Context& context() {
  static const tls::Context one = peer::make_context({peer::KeyType::rsa_2048});
  return one;
}

/// What went wrong in so many runs.
struct Tally {
  void run(const ScenarioOptions& options, const std::string& name) {
    ++runs;
    const Verdict verdict = run_scenario(options);
    faults += verdict.faults;
    refused += verdict.refused;
    if (verdict.findings.empty()) return;
    if (++failures <= 5) UNSCOPED_INFO(name << verdict.text(options));
  }

  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t faults = 0;
  std::uint64_t refused = 0;
};

Verdict run_undisturbed(const Rehearsal& rehearsal) {
  const ScenarioOptions options = rehearsal.options(context());
  const Verdict verdict = run_scenario(options);
  INFO(rehearsal.name << ": " << verdict.text(options));
  REQUIRE(verdict.findings.empty());
  return verdict;
}

TEST_CASE("sim: each operation may fail, in each way, and everything is returned",
          "[sim][failures]") {
  Tally all;
  for (const Rehearsal& rehearsal : make_rehearsals()) {
    const Verdict undisturbed = run_undisturbed(rehearsal);
    for (const Kind& kind : kinds()) {
      const std::uint32_t count = undisturbed.occasions[static_cast<std::size_t>(kind.occasion)];
      for (const int error : kind.errors) {
        for (std::uint32_t number = 1; number <= count; ++number) {
          ScenarioOptions options = rehearsal.options(context());
          options.failure = {kind.occasion, number, error};
          all.run(options, std::string(rehearsal.name) + ", " + kind.name + " " +
                               std::to_string(number) + " ends with " + std::to_string(error) +
                               ": ");
        }
      }
    }
  }
  UNSCOPED_INFO(all.runs << " runs, " << all.faults << " faults, " << all.refused << " refused");
  CHECK(all.failures == 0);
  CHECK(all.runs > 800);
  CHECK(all.faults > all.runs / 10);
}

TEST_CASE("sim: blocks may be spent at any turn, and everything is returned", "[sim][droughts]") {
  Tally all;
  for (const Rehearsal& rehearsal : make_rehearsals()) {
    const std::uint64_t turns = run_undisturbed(rehearsal).turns;
    for (const Pool pool : {Pool::stream, Pool::exchange}) {
      for (const std::uint64_t left : {0U, 1U, 2U}) {
        for (std::uint64_t turn = 1; turn <= turns; ++turn) {
          ScenarioOptions options = rehearsal.options(context());
          options.drought = {.pool = pool, .turn = turn, .turns = 1 + turn % 3, .left = left};
          all.run(options, std::string(rehearsal.name) + ", " + std::to_string(left) +
                               (pool == Pool::stream ? " stream" : " exchange") +
                               " blocks left in turn " + std::to_string(turn) + ": ");
        }
      }
    }
  }
  UNSCOPED_INFO(all.runs << " runs, " << all.faults << " faults, " << all.refused << " refused");
  CHECK(all.failures == 0);
  CHECK(all.faults > 50);
}

} // namespace
} // namespace ringfort::sim
