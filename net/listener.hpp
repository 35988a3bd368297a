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
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  void start() noexcept;
  /// Stops accepting; the descriptor is closed after the last completion.
  void stop() noexcept;
  bool stopped() const noexcept { return descriptor_ < 0; }
  /// No more for so long; who comes waits in the kernel's queue.
  void pause(std::chrono::nanoseconds wait) noexcept;
  /// A descriptor has come back: an accept that backs off need not wait any longer.
  void on_descriptor_freed() noexcept;

private:
  static constexpr std::chrono::milliseconds back_off{100};

  void on_accept(engine::Completion completion) noexcept;
  void on_failure(int error_number) noexcept;
  void close_when_idle() noexcept;

  ServingShard& shard_;
  int descriptor_;
  std::unique_ptr<tls::ShardNames> names_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<PassthroughRoutes> routes_; ///< null without any
  ServerRole role_;
  bool stopping_ = false;
  engine::Leases leases_;
  engine::Op accept_op_;
  engine::Timer back_off_timer_;
  engine::Timer pause_timer_;
};

} // namespace ringfort::net
