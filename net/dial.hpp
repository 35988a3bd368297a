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

class Dial;
class ServingShard;

/// Where a destination is, by name or address, as far as that is not a proxy's to reach.
inline const std::string& place_host(const Destination& to) noexcept {
  return to.connect_host.empty() ? to.host : to.connect_host;
}
inline std::uint16_t place_port(const Destination& to) noexcept {
  return to.connect_port == 0 ? to.port : to.connect_port;
}

/// What a dial tells whom it is for.
class DialOwner {
public:
  /// The connected socket, which is the owner's from now on; no address for a unix socket.
  virtual void on_connected(Dial& dial, int descriptor,
                            const engine::SocketAddress& address) noexcept = 0;
  /// Errors: resolve.*, connect.*.
  virtual void on_failed(Dial& dial, const Error& error) noexcept = 0;
  /// After either of these, or Dial::stop(): nothing is under way, and it may be destroyed.
  virtual void release(Dial& dial) noexcept = 0;

protected:
  ~DialOwner() = default;
};

struct DialTimeouts {
  std::chrono::nanoseconds resolve;
  std::chrono::nanoseconds connect; ///< over all addresses of a name
};

/// Where: one shard. Immovable: operations refer to it until it has settled.
class Dial : public ConnectRaceOwner {
public:
  /// Borrow: `to` for the dial's life.
  Dial(ServingShard& shard, DialOwner& owner, const Destination& to,
       const DialTimeouts& timeouts) noexcept;
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;
  virtual ~Dial() = default;

  void start() noexcept;
  /// Nobody waits for it. DialOwner::release() follows, never from inside this call.
  void stop() noexcept;

  const OpeningTimes& times() const noexcept { return times_; }
  Phase phase() const noexcept { return phase_; }
  /// Its owner has heard how it ended; not if it was stopped before.
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

  ServingShard& shard_;
  DialOwner& owner_;
  const Destination& to_;
  DialTimeouts timeouts_;
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
