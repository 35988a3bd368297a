// hoard — takes a shard's blocks for itself, so that what needs one finds none, at any turn.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ringfort/engine.hpp>

#include "net/serving_shard.hpp"

namespace ringfort::sim {

enum class Pool : std::uint8_t { stream, exchange };

/// From one turn on, for so many, all but `left` blocks of a pool are gone.
struct Drought {
  Pool pool = Pool::stream;
  std::uint64_t turn = 0; ///< from 1; 0: never
  std::uint64_t turns = 1;
  std::uint64_t left = 0;
};

class Hoard {
public:
  explicit Hoard(const Drought& drought) noexcept : drought_(drought) {}

  /// Before that turn, counted from 1.
  void before(std::uint64_t turn, Shard& shard) {
    if (drought_.turn == 0) return;
    if (turn == drought_.turn + drought_.turns) taken_.clear();
    if (turn != drought_.turn) return;
    auto& serving = static_cast<net::ServingShard&>(shard);
    engine::Blocks& blocks =
        drought_.pool == Pool::stream ? serving.loop().blocks() : serving.exchange_blocks();
    while (blocks.count() - blocks.in_use_count() > drought_.left) {
      taken_.push_back(blocks.try_take());
    }
  }
  void give_back() noexcept { taken_.clear(); }

  /// One that give_back() leaves out.
  void keep_one(Shard& shard) {
    kept_ = static_cast<net::ServingShard&>(shard).loop().blocks().try_take();
  }
  void give_up() noexcept { engine::Block(std::move(kept_)); }

private:
  Drought drought_;
  engine::Block kept_;
  std::vector<engine::Block> taken_;
};

} // namespace ringfort::sim
