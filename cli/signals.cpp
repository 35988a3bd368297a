#include "cli/signals.hpp"

#include <iostream>
#include <utility>

namespace ringfort::cli {

Signals::Signals() {
  sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void Signals::stop() {
  if (!thread_.joinable()) return;
  ended_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Signals::watch(Engine& engine, std::chrono::milliseconds grace, SignalActions actions) {
  thread_ = std::jthread(
      [this, &engine, grace, actions = std::move(actions)] { wait(engine, grace, actions); });
}

void Signals::wait(Engine& engine, std::chrono::milliseconds grace, const SignalActions& actions) {
  for (bool ending = false;;) {
    int signal = 0;
    sigwait(&signals_, &signal);
    if (ended_) return;
    if (signal == SIGHUP) {
      actions.reload();
    } else if (signal == SIGUSR2) {
      actions.hand_over();
    } else {
      if (!std::exchange(ending, true)) actions.end();
      std::cerr << "ringfort: draining, for " << grace.count() << " ms at most" << std::endl;
      engine.drain(grace);
      grace = grace.zero();
    }
  }
}

} // namespace ringfort::cli
