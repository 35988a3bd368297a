// campaign — which seeds a test runs, as its environment says, and worlds that run in a process of
// their own.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::sim {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 0);
}

/// RINGFORT_SIM_SEED=0x... is that one seed; RINGFORT_SIM_SEEDS=N are N seeds instead of the usual
/// number, from RINGFORT_SIM_FIRST on.
struct Seeds {
  Seeds(std::uint64_t first, std::uint64_t usual_count) {
    const std::uint64_t chosen = number_from("RINGFORT_SIM_SEED", 0);
    begin = chosen != 0 ? chosen : number_from("RINGFORT_SIM_FIRST", first);
    count = chosen != 0 ? 1 : number_from("RINGFORT_SIM_SEEDS", usual_count);
  }

  std::uint64_t begin;
  std::uint64_t count;
};

/// Runs worlds until five have failed, and answers how many did. `run` is given a seed and answers
/// what was found there, as a text; empty: nothing.
int failures_in(const Seeds& seeds, auto run) {
  constexpr int failures_max = 5;
  int failures = 0;
  for (std::uint64_t index = 0; index < seeds.count && failures < failures_max; ++index) {
    const std::string findings = run(seeds.begin + index);
    if (findings.empty()) continue;
    ++failures;
    UNSCOPED_INFO(findings);
  }
  return failures;
}

/// Of a planted defect.
enum class Noticed : int { not_committed, no, yes };

/// Runs a world in a process of its own, because an engine that lost something may abort: that too
/// is a defect noticed. `run` answers a verdict.
Noticed run_apart(auto run) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    (void)!std::freopen("/dev/null", "w", stderr);
    const auto verdict = run();
    const auto noticed = !verdict.plant_committed   ? Noticed::not_committed
                         : verdict.findings.empty() ? Noticed::no
                                                    : Noticed::yes;
    ::_exit(static_cast<int>(noticed));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? static_cast<Noticed>(WEXITSTATUS(status)) : Noticed::yes;
}

/// How many worlds had the defect, and of how many it was noticed.
struct Hunt {
  std::uint64_t committed = 0;
  std::uint64_t noticed = 0;
};

/// In 60 worlds, each apart. `run` is given a seed and answers a verdict.
Hunt hunt(auto run) {
  Hunt hunt;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Noticed noticed = run_apart([&] { return run(seed); });
    if (noticed == Noticed::not_committed) continue;
    ++hunt.committed;
    if (noticed == Noticed::yes) ++hunt.noticed;
  }
  return hunt;
}

} // namespace ringfort::sim
