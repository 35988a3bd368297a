// upstream_report — a server behind this program, as it is seen here: a plain value.
#pragma once

#include <cstdint>
#include <string>

namespace ringfort {

/// A server behind a gateway, or behind what is passed through, of all shards together. Each shard
/// sees for itself who is well.
struct UpstreamReport {
  std::string server; ///< "10.0.0.7:8080", "unix:/run/app.socket"
  /// A program's name of it, or of what is passed through: "a.example", "a.example/h2", "*".
  std::string route = {};
  bool drained = false;
  std::uint32_t shards = 0;          ///< that see it: each of them once for every listener
  std::uint32_t shards_unwell = 0;   ///< of these, whose health checks it fails
  std::uint32_t shards_ejecting = 0; ///< that leave it alone
  std::uint64_t outstanding = 0;     ///< requests, or connections passed through, under way
  std::uint64_t requests = 0;        ///< begun, each try of one that was passed over too
  std::uint64_t unreached = 0;       ///< that had no connection
  std::uint64_t unanswered = 0; ///< that had one, and no whole answer, by no fault of the client
  std::uint64_t ejections = 0;
  std::uint64_t checks = 0;
  std::uint64_t checks_failed = 0;
};

} // namespace ringfort
