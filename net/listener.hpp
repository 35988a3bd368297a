// listener — one shard's socket of a listening address: a multishot accept that backs off when the
// process has no descriptors left, and goes on by itself.
#pragma once

#include <memory>

#include <ringfort/service.hpp>

#include "engine/loop.hpp"
#include "net/server_connection.hpp"
#include "tls/shard_names.hpp"

namespace ringfort::net {

class ServingShard;

/// Where: one shard. Immovable while its accept is armed.
class Listener {
public:
  /// Borrow: `plan` for the listener's life.
  Listener(ServingShard& shard, int descriptor, std::unique_ptr<tls::ShardNames> names,
           std::unique_ptr<Service> service, const ListenPlan& plan);
  /// One more socket of a role that another listener holds. Borrow: until the shard's end.
  Listener(ServingShard& shard, int descriptor, const ServerRole& role) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  void start() noexcept;
  /// Stops accepting; the descriptor is closed after the last completion.
  void stop() noexcept;
  /// The same, for a socket that another process goes on with: nobody is left in between.
  void hand_on() noexcept;
  bool stopped() const noexcept { return descriptor_ < 0; }
  const ServerRole& role() const noexcept { return role_; }
  /// No more for so long; who comes waits in the kernel's queue.
  void pause(std::chrono::nanoseconds wait) noexcept;
  /// A descriptor has come back: an accept that backs off need not wait any longer.
  void on_descriptor_freed() noexcept;

private:
  Listener(ServingShard& shard, int descriptor, std::unique_ptr<tls::ShardNames> names,
           std::unique_ptr<Service> service, std::unique_ptr<PassthroughRoutes> routes,
           const ListenPlan& plan) noexcept;
  static constexpr std::chrono::milliseconds back_off{100};

  void on_accept(engine::Completion completion) noexcept;
  void on_failure(int error_number) noexcept;
  void accept_left_over() noexcept;
  void close_when_idle() noexcept;

  ServingShard& shard_;
  int descriptor_;
  std::unique_ptr<tls::ShardNames> names_; ///< what the role holds on to, unless it is another's
  std::unique_ptr<Service> service_;
  std::unique_ptr<PassthroughRoutes> routes_; ///< null without any
  ServerRole role_;
  bool stopping_ = false;
  bool handed_on_ = false;
  engine::Leases leases_;
  engine::Op accept_op_;
  engine::Timer back_off_timer_;
  engine::Timer pause_timer_;
};

} // namespace ringfort::net
