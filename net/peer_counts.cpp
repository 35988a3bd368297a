#include "net/peer_counts.hpp"

#include <bit>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::net {

PeerCounts::PeerCounts(std::uint32_t per_peer_max, std::uint32_t connections_max,
                       std::uint64_t seed)
    : per_peer_max_(per_peer_max), seed_(seed) {
  if (per_peer_max_ == 0) return;
  entries_.resize(2 * std::bit_ceil(std::size_t{connections_max}));
  mask_ = entries_.size() - 1;
}

bool PeerCounts::enter(std::uint64_t network) noexcept {
  if (per_peer_max_ == 0) return true;
  Entry& entry = entries_[find(network)];
  if (entry.count == per_peer_max_) return false;
  entry.network = network;
  ++entry.count;
  return true;
}

void PeerCounts::leave(std::uint64_t network) noexcept {
  if (per_peer_max_ == 0) return;
  const std::size_t index = find(network);
  RINGFORT_CHECK(entries_[index].count > 0);
  if (--entries_[index].count == 0) vacate(index);
}

// The finalizer of splitmix64: every bit of the network moves every bit of the place.
std::size_t PeerCounts::home_of(std::uint64_t network) const noexcept {
  std::uint64_t mixed = network ^ seed_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return (mixed ^ (mixed >> 31)) & mask_;
}

std::size_t PeerCounts::find(std::uint64_t network) const noexcept {
  std::size_t index = home_of(network);
  while (entries_[index].count > 0 && entries_[index].network != network) {
    index = (index + 1) & mask_;
  }
  return index;
}

/// What lies behind a hole moves into it when it could not be found across it otherwise.
void PeerCounts::vacate(std::size_t hole) noexcept {
  for (std::size_t index = (hole + 1) & mask_; entries_[index].count > 0;
       index = (index + 1) & mask_) {
    const std::size_t home = home_of(entries_[index].network);
    const bool reaches_hole = ((index - home) & mask_) >= ((index - hole) & mask_);
    if (!reaches_hole) continue;
    entries_[hole] = std::exchange(entries_[index], {});
    hole = index;
  }
  entries_[hole] = {};
}

} // namespace ringfort::net
