// watch — what must hold while a simulated engine runs, and not only at its end: credits and pools
// are kept within their bounds, and what an observer is told comes out even.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ringfort/engine.hpp>

#include "tests/sim/world.hpp"

namespace ringfort::sim {

/// What one client's connection was told of.
struct PeerTally {
  std::uint64_t connected = 0;
  std::uint64_t secured = 0;
  std::uint64_t requested = 0;
  std::uint64_t answered = 0;    ///< exchanges that ended
  std::uint64_t with_status = 0; ///< of these, an answer was begun
  std::uint64_t broken = 0;      ///< of these, something failed
  std::string last_broken;       ///< what was asked for there, and answered
  std::uint64_t disconnected = 0;
};

class Watch {
public:
  Watch(World& world, const EngineOptions& options) : world_(world), options_(options) {}

  std::unique_ptr<Observer> make_observer();
  /// After a turn that ran so many completions.
  void look(Engine& engine, unsigned completions);
  /// After the drain.
  void judge();

  /// By peer.
  const std::map<std::string, PeerTally>& tallies() const noexcept { return tallies_; }
  const std::vector<std::string>& findings() const noexcept { return findings_; }

private:
  class Witness;

  void find(const std::string& text);
  void look_at(const ConnectionReport& report);

  World& world_;
  EngineOptions options_;
  std::map<std::string, PeerTally> tallies_;
  std::set<std::uint64_t> living_; ///< connections, by id
  std::vector<ConnectionReport> reports_;
  std::vector<std::string> findings_;
};

/// What is wrong of an engine that has drained: something is left, or was not told.
std::vector<std::string> judge_drained(const Metrics& metrics, std::uint64_t report_count,
                                       Watch& watch);
/// What the world saw, once its engines are gone.
std::vector<std::string> judge_world(const World& world);

} // namespace ringfort::sim
