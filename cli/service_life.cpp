#include "cli/service_life.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "cli/complaints.hpp"
#include "cli/environment.hpp"
#include "cli/passed_keys.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

/// How often the supervisor's watchdog is to hear of this process: twice in the time that it
/// waits (sd_watchdog_enabled(3)). Zero: it has none, or it is another process's.
std::chrono::milliseconds watchdog_interval() {
  const std::string process = variable("WATCHDOG_PID");
  const auto given_us = parse_count(variable("WATCHDOG_USEC"));
  const bool ours =
      process.empty() || parse_count(process) == static_cast<std::uint64_t>(::getpid());
  if (!given_us || !ours) return {};
  constexpr std::uint64_t day_us = 86'400'000'000;
  const std::chrono::microseconds half(std::min(*given_us, day_us) / 2);
  return std::chrono::duration_cast<std::chrono::milliseconds>(half);
}

} // namespace

ServiceLife::ServiceLife()
    : inherited_(Inherited::from_environment()),
      notice_(variable("NOTIFY_SOCKET"), variable_if_set(supervisor_variable)) {}

std::optional<tls::TicketKeys> ServiceLife::predecessors_keys() {
  const Descriptor file = inherited_.take(inherited_ticket_keys);
  return file ? read_passed_keys(file) : std::nullopt;
}

Result<> ServiceLife::prepare(Engine& engine, const ServeFlags& flags, Admin& admin) {
  if (auto prepared =
          handover_.start(engine, admin, notice_, flags.tls.ticket_keys,
                          {.patience = flags.handover_timeout, .grace = flags.drain_grace});
      !prepared) {
    return prepared;
  }
  admin_ = &admin;
  admin.add(
      "upgrade", "starts the program's file again, which takes over without a lost connection",
      [this] { return handover_.run(); }, Admin::Effect::changes);
  return {};
}

bool ServiceLife::start(Engine& engine, const ServeFlags& flags, const std::string& urls,
                        std::function<void()> reload) {
  const std::string serving = "serves " + urls;
  signals_.watch(engine, flags.drain_grace,
                 {.reload =
                      [this, serving, reload = std::move(reload)] {
                        notice_.reloading();
                        reload();
                        notice_.reloaded(serving);
                      },
                  .hand_over = [this] { handover_.ask(); },
                  .end =
                      [this, grace = flags.drain_grace] {
                        handover_.stop();
                        notice_.stopping("draining, for " + duration_text(grace) + " at most");
                      }});
  return liveness_.start(
      engine, watchdog_interval(),
      [this, serving] {
        // Who hears that it is ready may ask for a successor at once.
        if (!handover_.allow()) warn("SIGUSR2", std::strerror(errno));
        if (notice_.ready(serving)) admin_->own_path();
      },
      [this] { notice_.alive(); });
}

void ServiceLife::stop() {
  liveness_.finish();
  signals_.stop();
  handover_.stop();
}

} // namespace ringfort::cli
