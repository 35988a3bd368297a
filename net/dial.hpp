// dial — a connection to another server up to where TCP has it: its name's addresses, then the
// first of them that answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <ringfort/client.hpp>

#include "engine/loop.hpp"
#include "net/client_connection.hpp"
#include "net/connect_race.hpp"
#include "net/resolver.hpp"

namespace ringfort::net {

class Agent;
struct Pool;

/// Where a destination is, by name or address, as far as that is not a proxy's to reach.
inline const std::string& place_host(const Destination& to) noexcept {
  return to.connect_host.empty() ? to.host : to.connect_host;
}
inline std::uint16_t place_port(const Destination& to) noexcept {
  return to.connect_port == 0 ? to.port : to.connect_port;
}

/// Where: one shard. Immovable: operations refer to it until it has settled.
class Dial final : public ConnectRaceOwner {
public:
  Dial(Agent& agent, Pool& pool) noexcept;
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  void start() noexcept;
  /// Nobody waits for it. Agent::release() follows, never from inside this call.
  void stop() noexcept;

  Pool& pool() noexcept { return pool_; }
  const Pool& pool() const noexcept { return pool_; }
  const OpeningTimes& times() const noexcept { return times_; }
  Phase phase() const noexcept { return phase_; }
  /// Its agent has heard how it ended; not if it was stopped before.
  bool told() const noexcept { return told_; }

  void on_connected(int descriptor, const engine::SocketAddress& address) noexcept override;
  void on_connect_failed(Error error) noexcept override;
  void on_race_settled() noexcept override;

private:
  void start_unix() noexcept;
  void on_resolved(const Result<Addresses>& answer) noexcept;
  void cancel_lookup() noexcept;
  void fail(const Error& error) noexcept;
  std::chrono::nanoseconds lap() noexcept;

  Agent& agent_;
  Pool& pool_;
  Phase phase_ = Phase::resolve;
  bool told_ = false;
  std::chrono::nanoseconds since_;
  OpeningTimes times_;
  Lookup lookup_;
  std::optional<engine::UnixAddress> unix_address_;
  ConnectRace race_;
  engine::Deferred released_;
};

} // namespace ringfort::net
