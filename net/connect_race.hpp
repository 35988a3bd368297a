// connect_race — one connection to a server of several addresses: the first to connect wins
// (Happy Eyeballs, RFC 8305).
//
// The families take turns, the most preferred address first. The next attempt begins a quarter of a
// second after the one before it, or as soon as one fails; all go on until one has connected. It
// may begin with the addresses of one family while the others are still asked for.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include <ringfort/error.hpp>

#include "engine/loop.hpp"
#include "engine/unix_address.hpp"
#include "net/addresses.hpp"

namespace ringfort::net {

/// What a race tells the connection that it is for.
class ConnectRaceOwner {
public:
  /// The connected socket, which is the owner's from now on; no address for a unix socket.
  virtual void on_connected(int descriptor, const engine::SocketAddress& address) noexcept = 0;
  /// No address has taken the connection. Errors: connect.*, of the most preferred address.
  virtual void on_connect_failed(Error error) noexcept = 0;
  /// After either of these, or stop(): nothing is under way any more, and it may be destroyed or
  /// started again.
  virtual void on_race_settled() noexcept = 0;

protected:
  ~ConnectRaceOwner() = default;
};

/// Where: one shard. Immovable until it has settled. It calls its owner from turns of the loop, and
/// never from inside a call of the owner's.
class ConnectRace {
public:
  ConnectRace(engine::Loop& loop, ConnectRaceOwner& owner) noexcept;
  ConnectRace(const ConnectRace&) = delete;
  ConnectRace& operator=(const ConnectRace&) = delete;
  ~ConnectRace();

  /// `addresses`: one or more; `timeout` is for all of them together. `more_follow`: add_rest() is
  /// to be called, and the race is not lost before.
  /// Cost: two system calls and a submission for each attempt; no allocation.
  void start(const Addresses& addresses, std::chrono::nanoseconds timeout,
             bool more_follow = false) noexcept;
  /// `all`: those of before among them, or none, when no others came.
  void add_rest(const Addresses& all) noexcept;
  /// Of a unix socket: nobody to race with. Borrow: `address` until it has settled.
  void start(const engine::UnixAddress& address, std::chrono::nanoseconds timeout) noexcept;
  /// Gives up. Only on_race_settled() follows.
  void stop() noexcept;
  bool settled() const noexcept { return state_ == State::settled; }

private:
  /// RFC 8305 section 5, the recommended Connection Attempt Delay.
  static constexpr std::chrono::milliseconds attempt_delay{250};

  enum class State : std::uint8_t { settled, racing, failed, over };

  /// One address being tried.
  struct Attempt {
    Attempt(ConnectRace& owner, std::size_t number, int socket) noexcept;

    ConnectRace& race;
    std::size_t index; ///< of its address
    int descriptor;
    engine::Op op;
  };

  void begin(std::chrono::nanoseconds timeout, bool more_follow) noexcept;
  void attempt_next() noexcept;
  /// False: its socket could not even be made.
  bool attempt(std::size_t index) noexcept;
  void on_completion(Attempt& attempt, engine::Completion completion) noexcept;
  void note_failure(std::size_t index, Error error) noexcept;
  void on_deadline() noexcept;
  void win(Attempt& attempt) noexcept;
  void end(State state) noexcept;
  void tell() noexcept;

  engine::Loop& loop_;
  ConnectRaceOwner& owner_;
  State state_ = State::settled;
  Error error_{};         ///< of the first address, or of the deadline
  Addresses addresses_;   ///< in the order of the attempts; none for a unix socket
  std::size_t begun_ = 0; ///< of these
  bool more_follow_ = false;
  std::chrono::nanoseconds next_attempt_{}; ///< not before this, unless one fails
  engine::Leases leases_;
  std::array<std::optional<Attempt>, Addresses::count_max> attempts_;
  engine::Timer delay_timer_;
  engine::Timer deadline_timer_;
  engine::Deferred told_;
};

/// The order of attempts: the first address's family, then the families by turns, each in its order
/// (RFC 8305 section 4).
Addresses interleave_families(const Addresses& addresses) noexcept;

} // namespace ringfort::net
