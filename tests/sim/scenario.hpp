// scenario — a whole engine among simulated clients: drawn from a seed, run to its end, judged.
//
// The claim of every run: each request is answered once and right, or its failure is told once; and
// everything that was taken is given back.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/records.hpp>
#include <ringfort/tls.hpp>

#include "tests/sim/errand.hpp"
#include "tests/sim/hoard.hpp"
#include "tests/sim/knobs.hpp"

namespace ringfort::sim {

struct ScenarioOptions {
  std::uint64_t seed = 1;
  /// What the first draws are, before the seed is asked: a fuzzer's input. Borrow: for the run.
  Bytes draws = {};
  /// Serves TLS with this context, and clients speak it.
  const tls::Context* context = nullptr;
  /// Who protects the records, with a context.
  RecordLayer records = RecordLayer::user;
  /// Commits this defect: the verdict must then not be empty.
  Plant plant = Plant::nothing;

  // Not drawn, in a kind world:
  /// These clients, instead of those that the seed draws. Borrow: for the run.
  const std::vector<Plan>* plans = nullptr;
  Time drain_after{0}; ///< the engine drains then; 0: when all clients have ended
  OneFailure failure = {};
  Drought drought = {};
};

struct Verdict {
  std::vector<std::string> findings; ///< empty: all is well
  std::uint64_t trace_hash = 0;
  std::uint64_t answers = 0; ///< right answers that clients saw
  std::uint64_t clients = 0;
  std::uint64_t turns = 0;
  std::uint64_t refused = 0; ///< clients that a scarce or draining engine failed, and said so
  bool plant_committed = false;
  std::uint64_t kernel_sides = 0;  ///< directions of connections that the kernel took
  std::uint64_t refused_sides = 0; ///< and refused
  std::array<std::uint32_t, static_cast<std::size_t>(Occasion::count)> occasions{};
  std::uint64_t faults = 0; ///< that were reported

  /// The findings, one a line, below the line that repeats the run.
  std::string text(const ScenarioOptions& options) const;
};

/// Prints what repeats the run when the engine aborts.
Verdict run_scenario(const ScenarioOptions& options);

} // namespace ringfort::sim
