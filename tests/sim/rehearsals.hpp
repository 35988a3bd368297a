// rehearsals — scenarios that are the same each time, so that each of their operations can be made
// to fail in its turn.
#pragma once

#include <string_view>
#include <vector>

#include <ringfort/tls.hpp>

#include "tests/sim/scenario.hpp"

namespace ringfort::sim {

struct Rehearsal {
  std::string_view name;
  std::vector<Plan> plans;
  bool encrypted = false;
  RecordLayer records = RecordLayer::user;
  Time drain_after{0};

  /// Borrow: of this, and of the context.
  ScenarioOptions options(const tls::Context& context) const {
    return {.seed = 1,
            .context = encrypted ? &context : nullptr,
            .records = records,
            .plans = &plans,
            .drain_after = drain_after};
  }
};

std::vector<Rehearsal> make_rehearsals();

} // namespace ringfort::sim
