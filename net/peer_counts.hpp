// peer_counts — how many connections of a shard come from whom: an open-addressed table made once,
// so that neither an accept nor a close allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringfort::net {

/// Where: one shard.
class PeerCounts {
public:
  /// Up to `per_peer_max` each (0: any number, and nothing is counted), `connections_max` in all.
  /// `seed` keeps a peer from choosing networks that meet in the table.
  PeerCounts(std::uint32_t per_peer_max, std::uint32_t connections_max, std::uint64_t seed);

  /// Counts one connection from `network`. False: it has as many as it may.
  /// Cost: a few steps through one array.
  bool enter(std::uint64_t network) noexcept;
  /// One that entered is gone.
  void leave(std::uint64_t network) noexcept;

private:
  struct Entry {
    std::uint64_t network = 0;
    std::uint32_t count = 0; ///< 0: nobody's
  };

  std::size_t home_of(std::uint64_t network) const noexcept;
  /// The entry of `network`, or the free one that it would have.
  std::size_t find(std::uint64_t network) const noexcept;
  void vacate(std::size_t index) noexcept;

  std::uint32_t per_peer_max_;
  std::uint64_t seed_;
  std::size_t mask_ = 0;
  std::vector<Entry> entries_; ///< at most half of them in use, so that a search ends
};

} // namespace ringfort::net
