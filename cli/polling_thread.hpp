// polling_thread — a thread that waits for a descriptor, and ends when its owner does.
#pragma once

#include <functional>
#include <thread>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

class PollingThread {
public:
  enum class Woken { ready, quiet, end };
  static constexpr int forever = -1; ///< a timeout

  /// Opens its descriptor: what starts late takes none from what has begun to serve.
  PollingThread();
  PollingThread(const PollingThread&) = delete;
  PollingThread& operator=(const PollingThread&) = delete;
  ~PollingThread() { finish(); }

  /// Runs `body`, which returns when wait_for() answers `end`. False, with errno set.
  bool start(std::function<void()> body);
  /// Until the descriptor is readable, the time has passed, or the thread shall end.
  /// Where: in the body.
  Woken wait_for(int descriptor, int timeout_ms = forever) const;
  /// The body's next wait_for() answers `end`. Where: any thread, its own too.
  void end() const;
  /// Ends and joins it. Before what the body uses goes away.
  void finish();

private:
  Descriptor end_; ///< eventfd(2): the thread shall end
  std::jthread thread_;
};

} // namespace ringfort::cli
