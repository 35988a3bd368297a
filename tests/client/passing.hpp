// passing — a listener of an engine's that opens no connection but those of one name.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/front.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {

/// A listener that passes through, or answers itself by the name "here.example".
struct Passing {
  Host host;
  std::uint16_t port = 0;

  explicit Passing(PassthroughOptions options, const EngineOptions& engine = Host::options_of())
      : host(engine) {
    open(std::move(options));
  }
  void open(PassthroughOptions options) {
    tls::Names names;
    REQUIRE(names.set("here.example", Trusted().context()));
    ListenOptions listener{.passthrough = std::move(options)};
    port = host.engine()
               .serve({.port = 0}, tls::LiveNames(std::move(names)), serving(&tell_peer),
                      std::move(listener))
               .value()
               .port;
  }
};

inline PassthroughRoute to(std::uint16_t port, std::string name = {}) {
  return {.name = std::move(name), .servers = {clear(port)}};
}

/// A server that says so when something has come.
inline auto answering(std::string text) {
  return [text = std::move(text)](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
  };
}

} // namespace ringfort::client
