// balance — which of several servers has what comes next.
#pragma once

#include <cstdint>

namespace ringfort {

/// Which server a request, or a connection, goes to, of those that are not ejected.
enum class Balance : std::uint8_t {
  round_robin,       ///< each in its turn
  least_outstanding, ///< who has the fewest of this shard under way
  peer_hash,         ///< by the client's address: the same one as long as it is there
  target_hash,       ///< by path and query, likewise
};

} // namespace ringfort
