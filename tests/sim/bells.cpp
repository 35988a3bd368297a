#include "tests/sim/bells.hpp"

#include <utility>

namespace ringfort::sim {

void Bells::add(const Waker& waker) {
  constexpr std::uint64_t wait_ns_max = 40'000'000;
  waiting_.push_back(waker);
  world_.poke_at(*this, world_.now() + Time(world_.prng().below(wait_ns_max)));
}

void Bells::ring() {
  for (const Waker& waker : std::exchange(waiting_, {})) {
    if (!world_.planted(Plant::loses_wake)) call(waker);
    past_.push_back(waker);
  }
}

void Bells::act() {
  Prng& prng = world_.prng();
  ring();
  constexpr std::size_t past_max = 8;
  if (past_.size() > past_max) past_.erase(past_.begin());
  if (!past_.empty() && prng.chance(300)) call(past_[prng.below(past_.size())]);
}

void Bells::call(const Waker& waker) {
  if (world_.prng().chance(500)) return static_cast<void>(waker.wake());
  // The job runs in the turn that also takes the wake's own.
  (void)shard_->post([waker] { (void)waker.wake(); });
}

} // namespace ringfort::sim
