// world — everything outside the engine in a simulated run: clock, chance, descriptors, listeners,
// connections, peers, and the list of what went wrong.
//
// The invariant: nothing in here depends on an address or on the machine's clock, so a run is a
// pure function of its seed, and trace_hash() proves it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "engine/socket_address.hpp"
#include "tests/sim/knobs.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/prng.hpp"
#include "tests/sim/record_socket.hpp"
#include "tls/library.hpp"

namespace ringfort::sim {

using Time = std::chrono::nanoseconds;

class Splice;

/// Somebody outside the engine who acts at points in time.
class Peer {
public:
  virtual ~Peer() = default;
  virtual void act() = 0;

private:
  friend class World;
  std::uint64_t turn_ = 0; ///< of the next act(); 0 = none is due
  Time due_{0};
};

/// Where: one thread. The newest living world is the one that SimRing::create joins.
class World {
public:
  /// `draws`: what the first draws are (Prng). Borrow: it, while the world is.
  World(std::uint64_t seed, const Knobs& knobs, Bytes draws = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  static World* current() noexcept;

  std::uint64_t seed() const noexcept { return seed_; }
  const Knobs& knobs() const noexcept { return knobs_; }
  Prng& prng() noexcept { return prng_; }

  // Time.
  static constexpr Time never = Time::max();
  Time now() const noexcept { return now_; }
  std::int64_t unix_seconds() const noexcept;
  /// When the next peer acts.
  Time next_event() noexcept;
  void advance_to(Time time) noexcept { now_ = std::max(now_, time); }
  /// Lets every peer act whose time has come.
  void run_due();

  /// Lets `peer` act after at most `latency_max`, or at once it is due already.
  void poke(Peer& peer);
  void poke_at(Peer& peer, Time time);

  // Descriptors. The lowest free number is used again first, as by the kernel.
  struct Descriptor {
    enum class Kind : std::uint8_t { closed, listener, connection } kind = Kind::closed;
    Link* link = nullptr;
    Splice* splice = nullptr; ///< where the engine connects it
    engine::SocketAddress address;
    std::deque<Link*> backlog;
    std::uint32_t armed = 0;               ///< operations that the ring holds on it
    std::unique_ptr<RecordSocket> records; ///< where the kernel protects its TLS records
  };
  /// -EMFILE when there are too many.
  int open(Descriptor::Kind kind);
  /// Null, and a violation, when it is not open.
  Descriptor* find(int descriptor, const char* user);
  void close(int descriptor);
  std::uint32_t descriptors_open() const noexcept;

  /// The simulated kernel's cryptography.
  const tls::Library& library();

  // Connections.
  /// Null when nobody listens on the port.
  Link* connect(Peer& peer, std::uint16_t port);
  /// Null when nobody listens at just that address.
  Link* connect(Peer& peer, const engine::SocketAddress& address);
  /// A connection from a ring of this world to a listener in it.
  Splice& set_out(const engine::SocketAddress& address);
  /// Who connects to that address is never answered.
  void silence(const engine::SocketAddress& address) { silent_.push_back(address); }
  bool silent(const engine::SocketAddress& address) const noexcept;
  bool listens(const engine::SocketAddress& address) const noexcept;
  std::uint16_t free_port() noexcept { return next_port_++; }

  /// So many steps of installations may be taken from here on.
  void permit_install_steps(std::uint32_t count) noexcept { install_steps_ = count; }
  /// Whether one may be taken now, and then it counts.
  bool take_install_step() noexcept { return install_steps_ > 0 && install_steps_-- > 0; }

  /// Counts an occasion. The errno that it ends with, or 0.
  int failure_of(Occasion occasion) noexcept;
  std::uint32_t occasions(Occasion occasion) const noexcept {
    return occasions_[static_cast<std::size_t>(occasion)];
  }
  /// How late the host's thread comes to its turn.
  Time draw_lateness() noexcept;

  // Judgement.
  void violate(std::string text);
  const std::vector<std::string>& violations() const noexcept { return violations_; }
  /// Adds an event to the trace.
  void note(char kind, std::int64_t first, std::int64_t second) noexcept;
  std::uint64_t trace_hash() const noexcept { return trace_hash_; }
  /// Whether the planted defect is to be committed now.
  bool planted(Plant plant) noexcept;
  bool plant_committed() const noexcept { return plant_occasions_ > knobs_.plant_after; }

private:
  struct Due {
    Time at;
    std::uint64_t turn;
    Peer* peer;
    friend bool operator<(const Due& one, const Due& other) noexcept {
      return one.at != other.at ? one.at > other.at : one.turn > other.turn;
    }
  };

  Link& join_backlog(Peer& peer, Descriptor& listener);

  std::uint64_t seed_;
  Knobs knobs_;
  Prng prng_;
  World* outer_;
  bool prints_;
  static constexpr Time start{std::chrono::hours(1)};
  Time now_ = start;
  std::uint64_t turn_ = 0;
  std::priority_queue<Due> due_;
  static constexpr int first_descriptor = 3;
  std::unique_ptr<tls::Library> library_; ///< outlives the sockets that use it
  std::vector<Descriptor> descriptors_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Splice>> splices_;
  std::vector<engine::SocketAddress> silent_;
  std::uint16_t next_port_ = 40'000;
  std::vector<std::string> violations_;
  std::uint64_t trace_hash_ = 0xcbf29ce484222325u;
  std::uint32_t plant_occasions_ = 0;
  std::uint32_t install_steps_ = UINT32_MAX;
  std::array<std::uint32_t, static_cast<std::size_t>(Occasion::count)> occasions_{};
  Time late_{0}; ///< that the host was so far
};

} // namespace ringfort::sim
