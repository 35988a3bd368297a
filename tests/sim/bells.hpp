// bells — who lets waiting handlers go on: between two turns, from a job, or from another exchange;
// and also when nobody waits any more.
#pragma once

#include <vector>

#include <ringfort/engine.hpp>

#include "tests/sim/world.hpp"

namespace ringfort::sim {

class Bells final : public Peer {
public:
  explicit Bells(World& world) : world_(world) {}
  void attach(Shard& shard) noexcept { shard_ = &shard; }

  /// Will be rung within a short time, once or oftener.
  void add(const Waker& waker);
  /// Rings all that wait, now.
  void ring();
  void act() override;

private:
  void call(const Waker& waker);

  World& world_;
  Shard* shard_ = nullptr;
  std::vector<Waker> waiting_;
  std::vector<Waker> past_; ///< their exchanges may be over
};

} // namespace ringfort::sim
