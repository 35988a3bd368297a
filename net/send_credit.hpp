// send_credit — how much a connection may have queued and unsent.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/blocks.hpp"

namespace ringfort::net {

/// One record may always be queued. Beyond it the credit is a small share of what is free of one
/// half of the shard's blocks: the other half is for first records, so that many peers that take
/// nothing leave blocks for those that do.
inline bool send_credit_spent(std::size_t queued_bytes, std::uint64_t credit_bytes,
                              const engine::Blocks& blocks) noexcept {
  constexpr std::uint64_t share_of_spare = 32;
  if (queued_bytes == 0) return false;
  const std::uint64_t reserved_bytes = std::uint64_t{blocks.count()} * blocks.block_bytes() / 2;
  const std::uint64_t free_bytes = blocks.free_bytes();
  const std::uint64_t spare_bytes = free_bytes - std::min(free_bytes, reserved_bytes);
  return queued_bytes >= std::min(credit_bytes, spare_bytes / share_of_spare);
}

} // namespace ringfort::net
