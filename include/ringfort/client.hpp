// client — requests to other servers, from a shard: connections that are made, kept and shared out.
//
// A Client is a shard's own, one for each policy. A Call is one request and its answer; it belongs
// to the coroutine of an exchange or an errand, which waits for it.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/certificate.hpp>
#include <ringfort/client_tls.hpp>
#include <ringfort/error.hpp>
#include <ringfort/exchange.hpp>
#include <ringfort/message.hpp>

namespace ringfort {

class Client;
class Errand;
class Shard;

namespace net {
class CallState;
}

/// Who stands between a client and its servers. Encrypted destinations are reached through a tunnel
/// that it is asked for (CONNECT, RFC 9110 section 9.3.6), so that it sees names and sizes alone;
/// the others' requests are told to it whole (RFC 9112 section 3.2.2).
struct Proxy {
  bool encrypted = false; ///< TLS to the proxy itself: see ClientOptions::proxy_tls
  std::string host;       ///< a name or a literal address, without brackets
  std::uint16_t port = 3128;
  /// The value of Proxy-Authorization, which nobody but the proxy sees; empty: none.
  std::string authorization = {};

  friend bool operator==(const Proxy&, const Proxy&) = default;
};

/// Where a call goes, and who is expected there. Two that differ share no connection.
struct Destination {
  bool encrypted = true;
  std::string host;         ///< a name or a literal address, without brackets
  std::uint16_t port = 443; ///< 1..65,535
  /// Connects here instead, a name or a literal address; empty: to `host`.
  std::string connect_host = {};
  std::uint16_t connect_port = 0; ///< 0: `port`
  /// The name that the server is asked for (SNI) and has to prove. Nothing: `host`, which as an
  /// address is proved and not asked for. Empty: none is asked for, and `host` is proved.
  std::optional<std::string> server_name = {};
  /// Connects to this socket (unix(7)), whatever `connect_host` and `proxy` say: a path, or "@" and
  /// an abstract name, of 107 bytes at most. Empty: by TCP.
  std::string unix_path = {};
  std::optional<Proxy> proxy = {}; ///< nothing: the server is reached directly
  /// Bytes that each connection begins with, before TLS: a PROXY header, for instance. 0..1,024.
  std::string preface = {};
  std::uint64_t owner = 0; ///< whose connections they are, where nobody else may have them

  friend bool operator==(const Destination&, const Destination&) = default;
};

/// What a URL names. Views into the URL.
struct Url {
  bool encrypted = false;
  std::string_view host; ///< without brackets
  std::uint16_t port = 0;
  std::string_view target; ///< path and query, or a query alone; "/" when the URL has neither
  std::string_view user_information; ///< before the "@", as it was written; mostly empty

  Destination destination() const {
    return {.encrypted = encrypted, .host = std::string(host), .port = port};
  }
};

/// Takes a URL apart (RFC 3986, http and https). A fragment is dropped.
/// Borrow: valid as long as `url`. Errors: call.bad_url.
Result<Url> parse_url(std::string_view url) noexcept;

/// What is asked. content-length, transfer-encoding and connection are the engine's; so is host,
/// which `authority` says.
/// Borrow: all of it until Client::call returns, but the payload as its own name says.
struct Request {
  std::string_view method = "GET"; ///< a token (RFC 9110 section 9.1)
  /// Origin form, or "?" and a query, which is asked of "/"; "*" for OPTIONS; host and port for
  /// CONNECT.
  std::string_view target = "/";
  std::string_view authority = {}; ///< of the Host field; empty: the destination's host and port
  std::span<const Field> fields = {};
  Payload body = {}; ///< the whole body, unless it is streamed
  /// The body follows by Call::write() and finish(): with content-length when `length` says it,
  /// else chunked.
  bool streams = false;
  std::optional<std::uint64_t> length = {};
  /// Sends a streamed body only once the server says 100 Continue, or nothing for a second.
  bool expects_continue = false;
  /// Offers to switch to one of these protocols (RFC 9110 section 7.8): "websocket". Not with
  /// `streams`. The answer 101 opens a tunnel, as one of 2xx does to CONNECT: see Call.
  std::string_view upgrade = {};
  /// Call::response() tells interim answers too.
  bool tells_interim = false;
};

/// The head of an answer. Borrow: as long as the call; of an interim one, until the next
/// response().
struct Response {
  int status = 0; ///< 200..599, or 101; of an interim answer 100, or 102..199
  Fields fields;
  std::uint8_t version_minor = 1;
  std::optional<std::uint64_t> length = {}; ///< of its body, where it is told
};

/// How far a call has come. A proxy is asked for its tunnel, and shakes hands before that, in the
/// phase of its own.
enum class Phase : std::uint8_t {
  pending,
  resolve,
  connect,
  proxy,
  tls,
  upload,
  wait,
  response,
  done,
};

/// Those that take time.
inline constexpr std::size_t phase_count = static_cast<std::size_t>(Phase::done);

constexpr std::string_view name_of(Phase phase) noexcept {
  constexpr std::string_view names[] = {"pending", "resolve", "connect",  "proxy", "tls",
                                        "upload",  "wait",    "response", "done"};
  return names[static_cast<std::size_t>(phase)];
}

/// What is known of the server at the other end.
struct ServerFacts {
  std::string_view version; ///< "TLSv1.3"; empty when not encrypted
  std::string_view suite;
  std::string_view protocol; ///< ALPN; empty when the server chose none
  bool resumed = false;
  /// Its chain, leaf first, and whether it is believed; of a resumed session as it was when that
  /// began. Null without TLS, and once the answer has been read to its end.
  const tls::Diagnosis* certificates = nullptr;
};

/// What a call has come to. Borrow: views as long as the call.
struct CallFacts {
  Phase phase = Phase::pending; ///< reached
  bool reused = false;          ///< its connection had served another call before
  /// The whole message has come, and its end was told, not only the connection's.
  bool complete = false;
  /// "192.0.2.1:443", of the proxy if there is one, or "unix:/run/a.socket"; empty before there is
  /// a connection.
  std::string_view peer;
  std::string_view server_name;     ///< that was asked for or proved; empty without TLS
  std::uint64_t sent_bytes = 0;     ///< of the connection's, taken by the kernel for this call
  std::uint64_t received_bytes = 0; ///< likewise
  ServerFacts server;
  /// How long each phase took; zero for those that were not needed.
  std::chrono::nanoseconds phases[phase_count] = {};
};

/// `co_await` answers once the answer's head is there.
class [[nodiscard]] ResponseAwait {
public:
  explicit ResponseAwait(net::CallState* call) noexcept : call_(call) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<Response> await_resume() noexcept;

private:
  net::CallState* call_;
};

/// `co_await` answers the next piece of the answer's body.
class [[nodiscard]] CallReadAwait {
public:
  explicit CallReadAwait(net::CallState* call) noexcept : call_(call) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<Bytes> await_resume() noexcept;

private:
  net::CallState* call_;
};

/// `co_await` answers when the bytes given have been taken into the send window.
class [[nodiscard]] CallWriteAwait {
public:
  explicit CallWriteAwait(net::CallState* call) noexcept : call_(call) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<> await_resume() noexcept;

private:
  net::CallState* call_;
};

/// One request and its answer. Once that has opened a tunnel (see Request::upgrade), read() answers
/// the raw bytes that the server sends, write() sends raw bytes, and finish() ends our direction
/// alone; the connection serves no other call.
///
/// Destroyed before its end, it is aborted: what little is left of the
/// answer is read and dropped, within Limits::unread_body_bytes_max, or the connection is closed.
/// Awaited by the handler or errand that it was made for: one write beside one read or response at
/// a time (see both() in task.hpp).
/// Where: one shard.
class Call {
public:
  Call() noexcept = default;
  explicit Call(net::CallState* state) noexcept : state_(state) {}
  Call(Call&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Call& operator=(Call&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Call();

  /// The answer's head. Once; where the request tells_interim, for each interim answer (RFC 9110
  /// section 15.2) before it too.
  /// Errors: resolve.*, connect.*, tls_handshake.*, tls_record.*, call.*, upload.*, answer.*,
  ///         config.no_client_context.
  ResponseAwait response() noexcept { return ResponseAwait(state_); }

  /// The next piece of its body; empty = it has ended, and trailers() are there.
  /// Borrow: the piece lives until the next read(). Errors: answer.*, tls_record.*, call.*.
  CallReadAwait read() noexcept { return CallReadAwait(state_); }
  Fields trailers() const noexcept;

  /// Sends one piece of a streamed body. Waits while the send window is full. An empty piece sends
  /// nothing: it waits until a connection has the request's head, and until the server wants the
  /// body, if that was asked (expects_continue).
  /// Borrow: `piece` may be reused as soon as it is answered.
  /// Errors: call.wrong_length, and as response(). An answer that comes before the end of the
  ///         request is no error: what is written then is dropped.
  CallWriteAwait write(Bytes piece) noexcept;
  CallWriteAwait write(std::string_view piece) noexcept { return write(bytes_of(piece)); }
  /// Ends it. Trailers are sent with a chunked body and dropped otherwise.
  CallWriteAwait finish(std::span<const Field> trailers = {}) noexcept;

  /// Gives up: whatever waits for it, and each later await, is answered call.ended. For who fails
  /// beside another coroutine that waits for the answer.
  void abort() noexcept;

  CallFacts facts() noexcept;

private:
  net::CallState* state_ = nullptr;
};

/// Bounds of one client; an answer's head, fields and chunks have those of the engine's Limits.
struct ClientOptions {
  /// For encrypted destinations. None: a call to one is config.no_client_context.
  std::optional<tls::ClientContext> tls = {};
  /// For encrypted proxies, which see nothing of `tls`. None: a call through one is
  /// config.no_client_context.
  std::optional<tls::ClientContext> proxy_tls = {};

  std::uint32_t connections_max = 1'024;              ///< 1..1,000,000
  std::uint32_t connections_per_destination_max = 64; ///< 1..1,000,000
  std::uint32_t idle_per_destination_max = 16;        ///< kept for later; 0..1,000,000; 0: none is
  std::uint32_t pending_max = 1'024; ///< calls that wait for a connection, 0..1,000,000
  bool newest_first = true;          ///< which of the idle connections serves; false: the oldest
  /// Of one connection; the last one closes it, and an only one says so to the server.
  /// 0..4,294,967,295; 0: off.
  std::uint32_t calls_per_connection_max = 0;

  std::chrono::milliseconds pending_timeout{10'000};
  std::chrono::milliseconds resolve_timeout{5'000};
  std::chrono::milliseconds connect_timeout{10'000}; ///< over all addresses of a name
  std::chrono::milliseconds proxy_timeout{10'000};   ///< a proxy's handshake and its tunnel
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds write_timeout{30'000};     ///< without a byte accepted by the server
  std::chrono::milliseconds answer_timeout{60'000};    ///< from the request's end to the head
  std::chrono::milliseconds body_idle_timeout{30'000}; ///< between two pieces of a body
  std::chrono::milliseconds call_timeout{0};           ///< all phases together; 0: off
  /// A connection that nobody uses is closed then, or a second before the end of what the server
  /// said by Keep-Alive, whichever comes first.
  std::chrono::milliseconds idle_timeout{5'000};
  std::chrono::milliseconds connection_age_max{0}; ///< is not used again then; 0: off
};

/// What a client's connections are doing, and what they did.
struct ClientCounts {
  std::uint32_t active = 0;  ///< connections that serve a call
  std::uint32_t idle = 0;    ///< that nobody uses
  std::uint32_t opening = 0; ///< being made
  std::uint32_t pending = 0; ///< calls that wait for one
  std::uint64_t calls = 0;
  std::uint64_t connections = 0;        ///< made so far
  std::uint64_t handshakes_full = 0;    ///< of these
  std::uint64_t handshakes_resumed = 0; ///< likewise
  std::uint64_t unverified = 0;         ///< connections whose server nobody verified
  std::uint64_t reused = 0;             ///< calls that an idle connection served
  std::uint64_t retried = 0;            ///< calls that were sent again on another connection
  std::uint64_t retired = 0;     ///< idle connections that the server ended, or sent something on
  std::uint64_t trust_epoch = 0; ///< how often Client::trust() was called
  std::uint32_t outdated = 0; ///< connections that shook hands before the last of these, open yet
};

struct DestinationCounts {
  Destination destination;
  std::uint32_t active = 0;
  std::uint32_t idle = 0;
  std::uint32_t opening = 0;
  std::uint32_t pending = 0;
};

/// A shard's connections to other servers, under one policy. Ends before its shard; what its calls
/// wait for is then answered call.ended.
/// Where: one shard.
class Client {
public:
  /// Errors: config.invalid (detail: 1-based position of the field in ClientOptions),
  ///         tls_context.*, ring.no_memory.
  /// Cost:   with TLS the authorities are parsed again, for this shard.
  static Result<std::unique_ptr<Client>> create(Shard& shard, ClientOptions options);
  virtual ~Client() = default;

  /// Asks. What fails is answered by the call's response().
  /// A call that a reused connection loses before the server can have seen any of it is sent again
  /// on another one; no other call is.
  virtual Call call(Exchange& exchange, const Destination& destination, Request request) = 0;
  virtual Call call(Errand& errand, const Destination& destination, Request request) = 0;

  /// Believes others from now on, or shows another identity. No connection and no session of before
  /// serves a call that comes later: idle connections close, the others after the calls that have
  /// them. Calls that wait are served under the new policy.
  /// Errors: as create(); then everything stays as it was.
  virtual Result<> trust(tls::ClientContext context) = 0;

  virtual ClientCounts counts() const noexcept = 0;
  /// For each destination that has a connection or a waiting call. Allocates.
  virtual std::vector<DestinationCounts> destinations() const = 0;

protected:
  Client() = default;
};

} // namespace ringfort
