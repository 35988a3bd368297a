// hello — a request, its answer and who gives it, for claims that are about something else.
#pragma once

#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tests/sim/play.hpp"

namespace ringfort::sim {

inline constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

inline void hello(Exchange& exchange) {
  exchange.respond(200, {}, Payload::forever("Hello, World!"));
}

inline tls::Context ecdsa_context() { return peer::make_context({peer::KeyType::ecdsa_p256}); }

/// The names of what was reported, in its order.
inline std::string told(const Play& play) {
  std::string names;
  for (const Error& error : play.reports()) {
    names.append(full_name(fault_of(error.code))).append(" ");
  }
  return names;
}

/// How many answers have come.
inline std::size_t answer_count(const Actor& client) {
  constexpr std::string_view status = "HTTP/1.1 200 OK\r\n";
  std::size_t count = 0;
  for (std::size_t at = 0; (at = client.received().find(status, at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

/// A connection that has asked once, and was answered by hello().
inline Actor& connect_answered(Play& play) {
  Actor& client = play.connect();
  client.send(get);
  REQUIRE(play.run_until([&] { return client.received().ends_with("Hello, World!"); }));
  return client;
}

/// A connection that asks, and takes nothing of what it is answered until listen(true).
inline Actor& ask_and_take_nothing(Play& play) {
  Actor& client = play.connect();
  client.listen(false);
  client.send(get);
  return client;
}

/// A connection whose client has shaken hands.
inline Actor& connect_secured(Play& play, peer::Client& tls) {
  Actor& client = play.connect();
  REQUIRE(play.converse(client, tls, [&] { return tls.secured(); }));
  return client;
}

} // namespace ringfort::sim
