// observer — what a shard tells of its connections, requests and answers, for logs and traces.
//
// A connection, a secure connection and a request are three things with a call each: none is ever
// told in another's place. Failures go to Engine::on_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include <ringfort/exchange.hpp>

namespace ringfort {

class Shard;

/// How an exchange ended.
struct ExchangeReport {
  int status = 0;                        ///< of the answer; 0: none was begun
  bool whole = false;                    ///< request and answer were complete
  std::uint64_t received_body_bytes = 0; ///< that the handler was given
  std::uint64_t sent_body_bytes = 0;     ///< that the handler gave, without chunks' framing
  std::uint32_t request = 0;             ///< of its connection, from 1
  std::chrono::nanoseconds taken{0};     ///< from the head to the end; a turn's resolution
};

/// What became of a connection that was passed through.
struct PassthroughReport {
  std::string_view server_name;      ///< that its hello asked for; empty: none
  std::string_view server;           ///< "10.0.0.9:443"; empty: none took it
  bool whole = false;                ///< both directions came to their ends
  std::uint64_t received_bytes = 0;  ///< from the client, of whatever protocol
  std::uint64_t sent_bytes = 0;      ///< to it
  std::chrono::nanoseconds taken{0}; ///< since it was accepted
};

/// Made once for each shard, so that what it keeps is the shard's own. It must not block.
/// Borrow: what a call is given, until it returns.
/// Cost:   a virtual call each; an engine without one pays a comparison.
/// Where:  its shard.
class Observer {
public:
  virtual ~Observer() = default;

  /// A connection was accepted.
  virtual void connected(const ConnectionFacts&) noexcept {}
  /// Its TLS handshake is over.
  virtual void secured(const ConnectionFacts&) noexcept {}
  /// A request's head is complete; its handler is about to run.
  virtual void requested(const Exchange&) noexcept {}
  /// An exchange that was told by requested() has ended, well or not.
  virtual void answered(const Exchange&, const ExchangeReport&) noexcept {}
  /// A connection that was passed through has ended.
  virtual void passed_through(const ConnectionFacts&, const PassthroughReport&) noexcept {}
  /// The connection has gone.
  virtual void disconnected(const ConnectionFacts&) noexcept {}
};

using ObserverFactory = std::move_only_function<std::unique_ptr<Observer>(Shard&)>;

} // namespace ringfort
