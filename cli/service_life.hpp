// service_life — a serving program among those around it: the supervisor, who sends it
// signals, and its predecessor and successor.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/handover.hpp"
#include "cli/inherited.hpp"
#include "cli/liveness.hpp"
#include "cli/serve_flags.hpp"
#include "cli/service_notice.hpp"
#include "cli/signals.hpp"

namespace ringfort::cli {

/// Outlives the engine.
class ServiceLife {
public:
  /// Reads what the process was started with. Before it opens a descriptor or makes a thread.
  ServiceLife();

  Inherited& inherited() noexcept { return inherited_; }
  /// The keys that a predecessor sealed tickets with.
  std::optional<tls::TicketKeys> predecessors_keys();

  /// The admin socket that one answered at.
  Descriptor predecessors_admin() { return inherited_.take(inherited_admin); }

  /// What it takes to have a successor, which `admin` can be asked for. Errors: listen.failed.
  /// Borrow: until stop(), as start(). Where: between the engine's serve() and run().
  Result<> prepare(Engine& engine, const ServeFlags& flags, Admin& admin);
  /// From now on signals are acted on, and the supervisor hears how it goes. `reload` is what
  /// SIGHUP asks for. False, with errno set.
  bool start(Engine& engine, const ServeFlags& flags, const std::string& urls,
             std::function<void()> reload);
  /// The engine has ended.
  void stop();

private:
  Inherited inherited_;
  Signals signals_;
  ServiceNotice notice_;
  Admin* admin_ = nullptr;
  Handover handover_;
  Liveness liveness_;
};

} // namespace ringfort::cli
