// drain — who asks for an engine's drain at some point of a simulated run.
#pragma once

#include <ringfort/engine.hpp>

#include "tests/sim/world.hpp"

namespace ringfort::sim {

class Drain final : public Peer {
public:
  explicit Drain(Engine& engine) : engine_(engine) {}
  void act() override {
    engine_.drain(std::chrono::seconds(5));
    begun = true;
  }
  bool begun = false;

private:
  Engine& engine_;
};

} // namespace ringfort::sim
