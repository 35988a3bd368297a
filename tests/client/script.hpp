// script — a server that says what a test tells it to: on a thread of its own, over loopback.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "tests/surface/connection.hpp"
#include "tests/unit/engine/loopback.hpp"

namespace ringfort::client {

/// What a script sees of an accepted connection.
using Guest = surface::Connection;

class Script {
public:
  /// `act` is called once for each of `connections` connections, one after the other.
  Script(unsigned connections, std::function<void(Guest&)> act);
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script();

  std::uint16_t port() const noexcept { return listener_.address().port(); }
  /// Until it has acted for each of its connections.
  void wait();

private:
  engine::LoopbackListener listener_;
  std::thread thread_;
};

} // namespace ringfort::client
