// prng — the one source of chance in a simulated world: the same seed gives the same numbers on
// every machine, so that a run can be told by its seed alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringfort::sim {

/// xoshiro256**, its state spread from one word by splitmix64 (both by Blackman and Vigna).
class Prng {
public:
  /// `given`: what the first draws are, two bytes each, before the seed is asked, so that a fuzzer
  /// can lead them. Borrow: as long as draws are made.
  explicit Prng(std::uint64_t seed, std::span<const std::byte> given = {}) noexcept
      : given_(given) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15u;
      word = mix(seed);
    }
  }

  /// The finalizer of splitmix64: a good hash of one word.
  static std::uint64_t mix(std::uint64_t word) noexcept {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
  }

  std::uint64_t next() noexcept {
    if (given_.size() >= given_draw_bytes) return take_given();
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// 0 .. bound - 1. The bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  /// low .. high, both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }
  /// Draws nothing when the answer is certain, so that a knob at zero changes no other draw.
  bool chance(unsigned per_mille) noexcept { return per_mille != 0 && below(1000) < per_mille; }

private:
  static constexpr std::size_t given_draw_bytes = 2;

  std::uint64_t take_given() noexcept {
    const auto word =
        std::to_integer<std::uint64_t>(given_[0]) << 8 | std::to_integer<std::uint64_t>(given_[1]);
    given_ = given_.subspan(given_draw_bytes);
    return mix(word); // Spread, because some bounds are beyond two bytes.
  }

  static std::uint64_t rotate(std::uint64_t word, int bits) noexcept {
    return (word << bits) | (word >> (64 - bits));
  }

  std::span<const std::byte> given_;
  std::uint64_t state_[4];
};

} // namespace ringfort::sim
