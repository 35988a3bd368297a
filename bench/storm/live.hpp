// live — connections that live through the storm and ask at a fixed rate. A latency counts from the
// time when the request was due, whether or not it could be sent then.
#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include "bench/storm/tls_client.hpp"

namespace storm {

struct LivePlan {
  std::uint16_t port;
  unsigned connections;
  double rate_per_s; ///< of each connection
  const char* suite;
  Clock::duration quiet; ///< before the storm
  Clock::duration storm;
};

struct LiveResult {
  std::vector<double> quiet_ms; ///< latencies of what was due before the storm
  std::vector<double> storm_ms; ///< and in it
  std::uint64_t lost = 0;       ///< connections that ended, or answers that never came
};

/// Connects, says when the storm is to begin, and runs until everything that was due before its end
/// is answered, 10 s longer at most.
LiveResult live(const LivePlan& plan, std::promise<Clock::time_point>& storm_begin);

} // namespace storm
