// engine — shards that serve HTTPS: one ring, one thread and one set of connections each.
//
// Nothing is shared between shards on the request path. Several engines may live in one process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/connection_report.hpp>
#include <ringfort/errand.hpp>
#include <ringfort/error.hpp>
#include <ringfort/metrics.hpp>
#include <ringfort/names.hpp>
#include <ringfort/observer.hpp>
#include <ringfort/passthrough.hpp>
#include <ringfort/records.hpp>
#include <ringfort/service.hpp>
#include <ringfort/task.hpp>
#include <ringfort/tls.hpp>
#include <ringfort/upstream_report.hpp>

namespace ringfort {

/// Bounds of one shard. There is no "unlimited".
struct Limits {
  std::uint32_t connections_max = 32'768; ///< of a shard, 1..1,000,000; more are reset
  /// Of a shard, from one IPv4 address or one IPv6 network of 64 bits; more are reset.
  /// 0..1,000,000; 0: off.
  std::uint32_t connections_per_peer_max = 0;
  /// In a second, by a shard, after a burst of as many; more wait in the kernel's queue.
  /// 0..1,000,000; 0: off.
  std::uint32_t accepts_per_s_max = 0;
  /// The answer to the last one ends the connection. 0..4,294,967,295; 0: off.
  std::uint32_t requests_per_connection_max = 0;
  /// That a peer sends on without waiting for an answer; the answer to the last one ends the
  /// connection. They are held as bytes, under receive_credit_bytes. 0..4,294,967,295; 0: off.
  std::uint32_t pipelined_requests_max = 32;

  std::uint32_t header_bytes_max = 16'384;         ///< request head, 256..16,384
  std::uint32_t target_bytes_max = 8'192;          ///< request target, 1..16,384
  std::uint32_t fields_max = 100;                  ///< head and trailers, 1..256
  std::uint32_t trailer_bytes_max = 8'192;         ///< after a chunked body, 0..16,384
  std::uint32_t chunk_extension_bytes_max = 4'096; ///< of one body, 0..1 MiB
  std::uint32_t receive_credit_bytes = 65'536;     ///< held unread per connection, 16 KiB..16 MiB
  std::uint32_t send_credit_bytes = 262'144;       ///< queued unsent per connection, 16 KiB..16 MiB
  std::uint32_t unread_body_bytes_max = 65'536;    ///< drained after an early answer, else closed
  /// What whole_body() takes when its handler names no bound of its own. 0..1 GiB.
  std::uint32_t body_bytes_max = 1'048'576;

  std::chrono::milliseconds first_byte_timeout{2'000}; ///< absolute, from accept; 0: off
  /// For the PROXY header of who has to send one. Absolute, from accept.
  std::chrono::milliseconds proxy_header_timeout{3'000};
  std::chrono::milliseconds handshake_timeout{5'000}; ///< absolute, from accept
  std::chrono::milliseconds head_timeout{10'000};     ///< absolute, from the first byte
  /// Absolute, from a request's first byte to its last, head and body; 0: off. What a handler takes
  /// of that time is not held against the peer.
  std::chrono::milliseconds request_timeout{300'000};
  std::chrono::milliseconds body_idle_timeout{30'000}; ///< between two pieces of a body
  /// To drain what an early answer left unread.
  std::chrono::milliseconds unread_body_timeout{5'000};
  /// What a handler may take, its peer's time not counted, until it begins its answer, and then
  /// from each piece to the next; 0: off.
  std::chrono::milliseconds handler_timeout{60'000};
  std::chrono::milliseconds tunnel_idle_timeout{3'600'000}; ///< after a switch of protocols; 0: off
  std::chrono::milliseconds write_timeout{30'000};          ///< without a byte accepted by the peer
  std::chrono::milliseconds keep_alive_timeout{65'000};     ///< between two requests
  std::chrono::milliseconds linger_timeout{2'000}; ///< for the peer's FIN after our last byte
  /// What an idle connection has when a drain begins: a request may be on its way, and its answer
  /// is the connection's last. 0: nothing.
  std::chrono::milliseconds drain_idle_timeout{500};

  /// What a peer has to send of a body that is read, and to take of an answer, on the wire: after
  /// 5 s of grace, and what was faster before counts for 30 s at most. 0..1,000,000,000; 0: off.
  std::uint32_t rate_bytes_per_s_min = 240;

  /// At OpenSSL at a time, 1..1,000,000. Beyond it a connection is accepted and its hello read, and
  /// waits with nothing more than that, until another handshake is over or half of the time that
  /// handshake_timeout leaves it has passed.
  std::uint32_t handshakes_max = 4'096;
  /// Handshake steps with asymmetric work in one turn, 1..65,536. More wait for the next turns, so
  /// that a storm of handshakes costs a live connection no more than this many.
  std::uint32_t handshake_steps_max = 1;
};

struct EngineOptions {
  unsigned shards = 0;     ///< 0 = one for each CPU that this process may use; at most 1,024
  bool pin_threads = true; ///< Engine::run binds shard n to the n-th usable CPU
  std::uint32_t ring_entries = 1'024;          ///< power of two, 64..16,384
  std::uint32_t receive_buffer_count = 1'024;  ///< per shard; power of two, 16..32,768
  std::uint32_t receive_buffer_bytes = 16'384; ///< 1,024..65,536
  std::uint32_t block_count = 8'192; ///< per shard: send, assembly and exchange blocks of 17 KiB
  RecordLayer record_layer = RecordLayer::automatic; ///< who protects TLS records
  /// Refuses options by which a shard may hold more: see Engine::memory_bytes_max(). 0..1 TiB;
  /// 0: off.
  std::uint64_t memory_bytes_max = 0;
  /// Per shard: pipes by which the kernel moves what is passed through, two for each connection
  /// that carries much; what others carry is received and sent. 0..65,536; 0: none.
  std::uint32_t pipe_count = 1'024;
  /// Whom clients ask for addresses: "192.0.2.53,[2001:db8::53]:5353". Empty: /etc/resolv.conf.
  std::string name_servers = {};
  Limits limits;
};

/// Where to listen: a literal address and a port; 0 lets the kernel choose one.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8443;
  /// Sockets to listen with instead: of TCP, bound, and listening already, all of them at one
  /// address. Each shard accepts from one, or some, of them; shards that outnumber them share them.
  /// Borrow: serve() duplicates them, and the caller's stay the caller's to close. While any
  /// duplicate is open, in whatever process, the port takes connections.
  std::vector<int> sockets = {};
};

/// What a listener does before TLS, or HTTP, begins.
struct ListenOptions {
  /// The networks of proxies that say for whom they speak by a PROXY header, version 1 or 2
  /// (HAProxy's proxy-protocol.txt): each of their connections has to begin with one. Of anybody
  /// else's nothing is believed: it is what TLS and HTTP make of it. "10.0.0.0/8", or an address.
  std::vector<std::string> proxy_headers_from = {};
  /// Who is in none of these networks is refused.
  bool refuses_others = false;
  /// What is not opened here, by what hellos say. Not on a listener without TLS.
  PassthroughOptions passthrough = {};
};

/// One failure on its way to logs.
struct ErrorReport {
  Error error;
  std::string_view peer; ///< "192.0.2.1:50312"; empty where there is none
};

/// One core's share of an engine.
class Shard {
public:
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  unsigned index() const noexcept;

  /// Runs `job` on the shard's thread, soon. False when the shard has ended.
  /// Where: any thread.
  bool post(std::move_only_function<void()> job) noexcept;

  /// One turn of the shard's loop, for hosts that own the thread: submits, waits at most `wait`,
  /// runs what completed. Answers the number of completions run.
  /// Errors: ring.enter_failed.
  /// Where:  always the same thread, instead of Engine::run.
  Result<unsigned> turn(std::chrono::nanoseconds wait) noexcept;

  /// Starts a coroutine that serves no request, for instance one that calls other servers: its
  /// frame, and that of what it awaits, lie in a block of the shard's. The shard does not end
  /// before it has. False: no block is left for it, or the shard drains.
  /// Where: the shard's thread, or before the first turn.
  bool run(std::move_only_function<Task<>(Errand&)> work) noexcept;

  /// What the shard's living connections are doing, some hundred at a time: appends those of the
  /// slots from `from` on, and answers where to go on, 0 when that was the last.
  /// Cost:  a microsecond or less for each connection, in which the shard serves nobody.
  /// Where: the shard's thread, for instance in a job that was posted.
  std::uint32_t look(std::uint32_t from, std::vector<ConnectionReport>& out);

  /// Drained, with no connection left: turn() has nothing more to do.
  bool ended() const noexcept;

protected:
  Shard() noexcept = default;
  ~Shard() = default;
};

using ServiceFactory = std::move_only_function<std::unique_ptr<Service>(Shard&)>;
using ErrorSink = std::move_only_function<void(const ErrorReport&)>;

class Engine {
public:
  /// Checks the options and sets up every shard's ring. No thread is started.
  /// Errors: config.invalid (detail: 1-based position of the field in EngineOptions, 100 + position
  ///         in Limits), config.memory_exceeded, ring.refused, ring.kernel_too_old, ring.no_memory.
  static Result<std::unique_ptr<Engine>> create(EngineOptions options) noexcept;
  virtual ~Engine() = default;

  /// Listens on every shard (SO_REUSEPORT) and answers the bound endpoint. The factory is called
  /// once per shard, so that a handler's state is the shard's own. `names` is a tls::Context, or
  /// what several listeners may share and a program keeps to publish new generations with.
  /// With RecordLayer::kernel or kernel_send the kernel is tried first, each cipher on a pair of
  /// sockets; a cipher that it cannot protect stays Ringfort's.
  /// With Endpoint::sockets nothing is bound, and the first one's address is answered.
  /// Errors: listen.*, tls_context.* (kernel_records_unavailable: the kernel can protect none),
  ///         config.invalid (detail: 300 + 1-based position of the field in ListenOptions, 400 +
  ///         that in PassthroughOptions).
  /// Where:  before run() or the first turn().
  virtual Result<Endpoint> serve(const Endpoint& endpoint, tls::LiveNames names,
                                 ServiceFactory factory, ListenOptions options) = 0;
  Result<Endpoint> serve(const Endpoint& endpoint, tls::LiveNames names, ServiceFactory factory) {
    return serve(endpoint, std::move(names), std::move(factory), {});
  }
  /// The same without TLS.
  virtual Result<Endpoint> serve_plain(const Endpoint& endpoint, ServiceFactory factory,
                                       ListenOptions options) = 0;
  Result<Endpoint> serve_plain(const Endpoint& endpoint, ServiceFactory factory) {
    return serve_plain(endpoint, std::move(factory), {});
  }

  /// Duplicates of the sockets of each serve(), in their order: what Endpoint::sockets takes, for a
  /// process that is to go on accepting. The caller's to close.
  /// Errors: listen.failed.
  /// Where:  before run() or the first turn().
  virtual Result<std::vector<std::vector<int>>> duplicate_sockets() = 0;

  /// One thread per shard; returns when every shard has drained.
  /// Errors: ring.enter_failed.
  virtual Result<> run() = 0;

  /// Stops accepting, lets running exchanges and handshakes finish, with `connection: close`, ends
  /// who is idle after Limits::drain_idle_timeout, half of `grace` at most, and cuts what is left
  /// after `grace`. A second call may only shorten the grace.
  /// Where: any thread or signal handler (async-signal-safe).
  virtual void drain(std::chrono::milliseconds grace) noexcept = 0;

  /// A drain that no client notices, for who has handed its sockets to another process: stops
  /// accepting, but serves whoever has come, and ends each connection with its next answer, which
  /// says so. Idle ones wait for that; what is left after `grace` is drained, with as much again.
  /// Where: any thread or signal handler (async-signal-safe).
  virtual void retire(std::chrono::milliseconds grace) noexcept = 0;

  virtual unsigned shard_count() const noexcept = 0;
  virtual Shard& shard(unsigned index) noexcept = 0;

  /// Where: any thread.
  virtual Metrics metrics() const noexcept = 0;

  /// The servers of what is passed through, by route, in the listeners' order.
  /// Where: any thread, after the last serve().
  virtual std::vector<UpstreamReport> passthrough_servers() const = 0;
  /// No connection begins at the server that reports call so any more, by whatever route; those
  /// that are there go on, and `outstanding` tells when it can be taken away. While all of a route
  /// are drained its clients are told internal_error. With false it has its turns again. Answers
  /// in how many routes it is, each of them once for every listener.
  /// Where: any thread, after the last serve().
  virtual std::size_t drain_passthrough(std::string_view server, bool drained = true) = 0;

  /// Every failure, once. Called on the shard's thread, which it must not block; several shards may
  /// call at the same time. Before run() or the first turn().
  virtual void on_error(ErrorSink sink) = 0;

  /// What shards tell of connections, requests and answers; the factory is called once per shard.
  /// Where: before run() or the first turn().
  virtual void observe(ObserverFactory factory) = 0;

  /// What one shard holds at most, by these options, of its buffers, blocks and connections: the
  /// formula is in docs/memory.md. What handlers allocate is theirs. Where: any thread.
  virtual std::uint64_t memory_bytes_max() const noexcept = 0;

  /// One line per fact: kernel version, ring features in use, record layer and why.
  /// Where: any thread.
  virtual std::string describe() const = 0;

  /// Tries what the kernel's record layer can do and says so, one line for each cipher and one for
  /// KeyUpdate. May load the kernel's tls module. Errors: tls_context.no_memory.
  /// Where: before run() or the first turn().
  virtual Result<std::string> try_kernel_records() = 0;

protected:
  Engine() = default;
};

} // namespace ringfort
