// live_connections — what all connections of a running engine do, asked from another thread.
#pragma once

#include <vector>

#include <ringfort/engine.hpp>

namespace ringfort::cli {

struct LiveConnections {
  std::vector<ConnectionReport> reports;
  std::vector<unsigned> silent_shards; ///< did not answer within some seconds
};

/// Cost: shards are asked one after the other, some hundred connections at a time, between turns.
/// Where: any thread but a shard's.
LiveConnections look_at_connections(Engine& engine);

} // namespace ringfort::cli
