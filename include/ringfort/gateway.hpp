// gateway — a service that answers by asking other servers: a reverse proxy (RFC 9110 section 3.7).
//
// Each message is taken apart and written again: what a client sends reaches a server as one
// request with one framing, or not at all. Fields that concern a hop end at it. Both directions are
// coupled: who reads slowly slows down who writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ringfort/balance.hpp>
#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/passthrough.hpp>
#include <ringfort/service.hpp>
#include <ringfort/upstream_report.hpp>

namespace ringfort {

namespace net {
struct GatewayPlan;
}

/// Asks after each server, from each shard, by the very hop that requests take: through TLS where
/// they go through TLS. An answer of 2xx or 3xx within five seconds, or the interval, is well.
struct HealthCheck {
  std::string target = {}; ///< asked for with GET; empty: nobody asks
  std::chrono::milliseconds interval{5'000};
  std::uint32_t failures_max = 2;  ///< so many in a row, and a server has no requests; 1..1,000
  std::uint32_t successes_min = 2; ///< so many in a row, and it has them again; 1..1,000
};

struct GatewayOptions {
  std::vector<Destination> upstreams; ///< 1..64
  /// Its connections to them; `tls` where one is encrypted. Requests come in bursts, and then leave
  /// all connections idle at once: as many are kept as there may be.
  ClientOptions client = {.idle_per_destination_max = 64};
  Balance balance = Balance::round_robin;
  /// The Host field goes on as the client sent it; false: it is the server's own name.
  bool keeps_host = true;
  /// Networks of the proxies before this one, whose word on the client is passed on; whatever
  /// others say of it is dropped. See TrustedProxies.
  std::vector<std::string> trusted_proxies = {};
  /// How servers are told whose connection this is, before anything else on it. Then none serves
  /// requests of two client connections.
  ProxyHeader header = ProxyHeader::none;
  std::string name = "ringfort"; ///< in Via and Proxy-Status: a token
  /// The protocols that clients may switch to with a server, each in its own words. What comes then
  /// is between the two: h2c, for one, would bring requests that this hop never sees.
  std::vector<std::string> upgrades = {"websocket"};

  /// So many connections in a row that a server does not take, or whose TLS it fails, eject it for
  /// a time, in which the others have its requests. While all are ejected none is. 0..1,000; 0: off
  std::uint32_t failures_max = 3;
  std::chrono::milliseconds ejection_time{10'000}; ///< up to a day
  /// Who is not well by this has no requests; while nobody is, they are answered 503.
  HealthCheck health = {};
  /// Who comes back, from an ejection, by its health checks or from a drain, begins with a tenth of
  /// its turns and has all of them after this time, up to a day. Not by hashes, which always name
  /// the same one.
  std::chrono::milliseconds slow_start{0};
};

/// Where: any thread; all shards share one.
class Gateway {
public:
  /// Errors: config.invalid (detail: 1-based position of the field in GatewayOptions).
  static Result<Gateway> create(GatewayOptions options);
  Gateway(Gateway&&) noexcept;
  Gateway& operator=(Gateway&&) noexcept;
  ~Gateway();

  /// Passes requests on. What fails before an answer has begun is answered by 502, 503 or 504 and
  /// a Proxy-Status field (RFC 9209) that names the failure and the phase; what fails later cuts
  /// the answer. A server that takes no connection is passed over, as long as there is another one.
  /// CONNECT and TRACE are answered 405.
  /// Borrow: the gateway, which may be moved, as long as the service.
  /// Errors: as Client::create.
  Result<std::unique_ptr<Service>> service(Shard& shard) const;

  /// What is protected on the way to each server, and how: a line for each.
  std::string spans() const;

  /// Its servers, in the order of GatewayOptions. Where: any thread.
  std::vector<UpstreamReport> upstreams() const;
  /// No request begins at this server from now on, but a check of its health; those under way go
  /// on, and `outstanding` tells when it can be taken away. Its idle connections time out. While
  /// all are drained, requests are answered 503. With false it has its turns again.
  /// Errors: config.invalid, when there is no such place. Where: any thread.
  Result<> drain(std::size_t place, bool drained = true);

private:
  explicit Gateway(std::unique_ptr<net::GatewayPlan> plan) noexcept;

  std::unique_ptr<net::GatewayPlan> plan_;
};

} // namespace ringfort
