// signals — what the program does at a signal, without a signal handler.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include <ringfort/engine.hpp>

namespace ringfort::cli {

/// What is done besides.
struct SignalActions {
  std::function<void()> reload;    ///< at SIGHUP
  std::function<void()> hand_over; ///< at SIGUSR2
  std::function<void()> end;       ///< at the first SIGTERM or SIGINT, before the engine drains
};

/// Drains the engine at SIGTERM or SIGINT, cuts it at the second one, and leaves SIGHUP and SIGUSR2
/// to others. The signals are blocked in every thread made after it, and waited for in one of its
/// own.
class Signals {
public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { stop(); }

  /// Borrow: `engine`, and what the actions use, until stop().
  void watch(Engine& engine, std::chrono::milliseconds grace, SignalActions actions);
  /// No signal is acted on any more. What watch() borrowed may go.
  void stop();

private:
  void wait(Engine& engine, std::chrono::milliseconds grace, const SignalActions& actions);

  sigset_t signals_{};
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

} // namespace ringfort::cli
