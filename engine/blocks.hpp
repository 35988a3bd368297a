// blocks — the fixed-size memory blocks of a shard: one mapping, last returned first taken.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <ringfort/bytes.hpp>
#include <ringfort/check.hpp>
#include <ringfort/error.hpp>

#include "engine/counter.hpp"
#include "engine/mapping.hpp"

namespace ringfort::engine {

class Blocks;

/// One taken block; goes back when destroyed.
class Block {
public:
  Block() noexcept = default;
  Block(Block&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), index_(other.index_) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(index_, other.index_);
    return *this;
  }
  inline ~Block();

  explicit operator bool() const noexcept { return home_ != nullptr; }
  /// Not of an empty Block.
  inline MutableBytes bytes() const noexcept;

private:
  friend class Blocks;
  Block(Blocks& home, std::uint32_t index) noexcept : home_(&home), index_(index) {}

  Blocks* home_ = nullptr;
  std::uint32_t index_ = 0;
};

/// Where: one shard; `in_use_count` may be read from any thread.
class Blocks {
public:
  /// Errors: ring.no_memory.
  static Result<Blocks> create(std::uint32_t count, std::uint32_t block_bytes) noexcept {
    auto mapping = Mapping::create(std::size_t{count} * block_bytes);
    if (!mapping) return std::unexpected(mapping.error());
    return Result<Blocks>(std::in_place, std::move(*mapping), count, block_bytes);
  }
  Blocks(Mapping mapping, std::uint32_t count, std::uint32_t block_bytes)
      : mapping_(std::move(mapping)), free_(std::make_unique_for_overwrite<std::uint32_t[]>(count)),
        count_(count), block_bytes_(block_bytes) {}
  /// Movable only until the first block is taken.
  Blocks(Blocks&& other) noexcept
      : mapping_(std::move(other.mapping_)), free_(std::move(other.free_)), count_(other.count_),
        block_bytes_(other.block_bytes_) {
    RINGFORT_CHECK(other.in_use_count() == 0);
  }
  ~Blocks() { RINGFORT_CHECK(in_use_count() == 0); }

  /// An empty Block when all are taken. Cost: no allocation, no system call.
  Block try_take() noexcept {
    std::uint32_t index = touched_;
    if (free_count_ > 0) {
      index = free_[--free_count_];
    } else if (touched_ == count_) {
      return {};
    } else {
      ++touched_;
    }
    ++in_use_;
    return {*this, index};
  }

  std::uint32_t block_bytes() const noexcept { return block_bytes_; }
  std::uint32_t count() const noexcept { return count_; }
  std::uint64_t in_use_count() const noexcept { return in_use_; }
  std::uint64_t free_bytes() const noexcept { return (count_ - in_use_count()) * block_bytes_; }

private:
  friend class Block;

  MutableBytes at(std::uint32_t index) const noexcept {
    return mapping_.bytes().subspan(std::size_t{index} * block_bytes_, block_bytes_);
  }
  void give_back(std::uint32_t index) noexcept {
    free_[free_count_++] = index;
    --in_use_;
  }

  Mapping mapping_;
  std::unique_ptr<std::uint32_t[]> free_; ///< room for all of them
  std::uint32_t free_count_ = 0;
  std::uint32_t count_;
  std::uint32_t block_bytes_;
  std::uint32_t touched_ = 0; ///< blocks below this were taken at least once
  Counter in_use_;
};

inline Block::~Block() {
  if (home_ != nullptr) home_->give_back(index_);
}

inline MutableBytes Block::bytes() const noexcept {
  RINGFORT_CHECK(home_ != nullptr);
  return home_->at(index_);
}

} // namespace ringfort::engine
