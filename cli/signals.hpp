// signals — what the program does at SIGTERM, SIGINT and SIGHUP, without a signal handler.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include <ringfort/engine.hpp>

namespace ringfort::cli {

/// Drains the engine at SIGTERM or SIGINT, cuts it at the second one, and reloads at SIGHUP. The
/// signals are blocked in every thread made after it, and waited for in one of its own.
class Signals {
public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { stop(); }

  /// Borrow: `engine`, and what `reload` uses, until stop().
  void watch(Engine& engine, std::chrono::milliseconds grace, std::function<void()> reload);
  /// No signal is acted on any more. What watch() borrowed may go.
  void stop();

private:
  void wait(Engine& engine, std::chrono::milliseconds grace, const std::function<void()>& reload);

  sigset_t signals_{};
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

} // namespace ringfort::cli
