// judgement — what a run must have come to, once its engine has drained.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ringfort/engine.hpp>

#include "tests/sim/client.hpp"
#include "tests/sim/handlers.hpp"
#include "tests/sim/watch.hpp"

namespace ringfort::sim {

/// What is known of a run. Borrow: of all of it.
struct Evidence {
  const std::vector<std::unique_ptr<Client>>& clients;
  const HandlerBalance& balance;
  const std::map<std::string, std::vector<Error>>& reports; ///< by peer
  Watch& watch;
  Metrics metrics;
  std::uint64_t report_count = 0;
  bool lossy = false; ///< a scarce or draining engine may fail who is not to blame
};

/// What is wrong; empty: nothing.
std::vector<std::string> judge(const Evidence& evidence);

} // namespace ringfort::sim
