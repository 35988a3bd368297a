// handshakes — the storm: connect, a full handshake, close; so many are begun in a second, as long
// as no more than so many are open.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/storm/tls_client.hpp"

namespace storm {

struct StormPlan {
  std::uint16_t port;
  double offered_per_s;
  unsigned open_max;
  const char* suite;
  Clock::time_point begin;
  Clock::time_point end;
};

struct StormResult {
  std::uint64_t begun = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;  ///< refused, reset or closed by the server
  std::uint64_t gave_up = 0; ///< after 5 s
  std::vector<double> done_ms;
};

/// Runs from `begin` to `end`; what is open then is closed.
StormResult shake_hands(const StormPlan& plan);

} // namespace storm
