#include "cli/signals.hpp"

#include <iostream>

namespace ringfort::cli {

Signals::Signals() {
  sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void Signals::stop() {
  if (!thread_.joinable()) return;
  ended_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Signals::watch(Engine& engine, std::chrono::milliseconds grace, std::function<void()> reload) {
  thread_ = std::jthread(
      [this, &engine, grace, reload = std::move(reload)] { wait(engine, grace, reload); });
}

void Signals::wait(Engine& engine, std::chrono::milliseconds grace,
                   const std::function<void()>& reload) {
  while (true) {
    int signal = 0;
    sigwait(&signals_, &signal);
    if (ended_) return;
    if (signal == SIGHUP) {
      reload();
      continue;
    }
    std::cerr << "ringfort: draining, for " << grace.count() << " ms at most" << std::endl;
    engine.drain(grace);
    grace = grace.zero();
  }
}

} // namespace ringfort::cli
