// front — a listener of an engine's, turned by the test, with clients that play on a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <ringfort/engine.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"

namespace ringfort::client {

/// Turns the engine while `act` plays from outside; what is left after it is cut.
inline void play(Host& host, const std::function<void()>& act) {
  std::thread outside([&] {
    act();
    host.engine().drain(std::chrono::milliseconds(0));
  });
  host.turn_until([&] { return host.shard().ended(); });
  outside.join();
}

/// Who is told of a connection: "192.0.2.1:1 by 127.0.0.1", without the proxy's port.
inline void tell_peer(Exchange& exchange) {
  const ConnectionFacts& facts = exchange.connection();
  std::string text(facts.peer);
  if (!facts.proxy.empty()) {
    text.append(" by ").append(facts.proxy.substr(0, facts.proxy.rfind(':')));
  }
  exchange.respond(200, {}, Payload::copied(text));
}

inline constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

} // namespace ringfort::client
