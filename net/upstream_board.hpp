// upstream_board — what the shards of one gateway say of its servers, and which of these none of
// them asks any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <ringfort/client.hpp>
#include <ringfort/upstream_report.hpp>

#include "engine/counter.hpp"

namespace ringfort::net {

/// Servers, by their places.
using UpstreamSet = std::uint64_t;

/// Of one server as one shard sees it. Where: written there, read by any thread.
struct UpstreamCounts {
  engine::Counter requests;    ///< begun, each try of one that was passed over too
  engine::Counter outstanding; ///< of these, not yet ended
  engine::Counter unreached;   ///< that had no connection
  engine::Counter unanswered;  ///< that had one, and no whole answer, by no fault of the client
  engine::Counter ejections;
  engine::Counter checks;
  engine::Counter checks_failed;
  std::atomic<bool> well{true};
  std::atomic<std::int64_t> ejected_until_ns{0}; ///< of the monotonic clock
};

/// Where: any thread.
class UpstreamBoard {
public:
  explicit UpstreamBoard(std::size_t count) : past_(count) {}

  /// A shard's view counts from here to leave(), after which its sums stay.
  /// Borrow: one for each server, for that time.
  void enter(const UpstreamCounts* counts);
  void leave(const UpstreamCounts* counts);

  /// Adds what is known to reports that say who each server is.
  void add_to(std::vector<UpstreamReport>& reports) const;

  void set_drained(std::size_t place, bool drained) noexcept;
  UpstreamSet drained() const noexcept { return drained_.load(std::memory_order_relaxed); }

private:
  std::atomic<UpstreamSet> drained_{0};
  mutable std::mutex mutex_;
  std::vector<const UpstreamCounts*> shards_;
  std::vector<UpstreamReport> past_; ///< of shards that have left
};

/// A server as reports call it. Allocates.
std::string server_text(const Destination& server);

/// Adds what another listener knows of a server that is in `all` under the same name and route, or
/// the server itself.
void merge(std::vector<UpstreamReport>& all, UpstreamReport report);

} // namespace ringfort::net
