// exchange — one request and its one response, as a handler sees them.
//
// Views that an exchange hands out live until the exchange ends, except a piece of the body, which
// lives until the next read. All calls are made on the exchange's own shard.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <ringfort/arena.hpp>
#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>
#include <ringfort/records.hpp>

namespace ringfort {

class Exchange;
class Shard;

namespace net {
class ExchangeState;
}

namespace tls {
struct ClientCertificate; // <ringfort/certificate.hpp>
}

/// The bytes of a whole response body, with their lifetime said at the call.
class Payload {
public:
  Payload() noexcept = default;

  /// Small bytes that may go away after the call: copied before respond() returns, into the send
  /// window or the exchange's arena. Errors: handler.no_memory when they fit neither.
  static Payload copied(Bytes bytes) noexcept { return {bytes, true}; }
  static Payload copied(std::string_view text) noexcept { return copied(bytes_of(text)); }
  /// Bytes of static storage duration: sent from where they are.
  static Payload forever(Bytes bytes) noexcept { return {bytes, false}; }
  static Payload forever(std::string_view text) noexcept { return forever(bytes_of(text)); }
  /// Bytes that stay until `release` is called: once, on the shard, when the last of them has been
  /// accepted by the kernel or will never be sent.
  static Payload owned(Bytes bytes, std::move_only_function<void()> release) noexcept {
    Payload payload(bytes, false);
    if (release) payload.release_ = std::move(release);
    return payload;
  }

  Bytes bytes() const noexcept { return bytes_; }
  bool is_copied() const noexcept { return copied_; }
  bool is_owned() const noexcept { return release_ && *release_; }
  /// What owned() was given, once; else a function that is none.
  std::move_only_function<void()> take_release() noexcept {
    if (!release_) return {};
    auto release = std::move(*release_);
    release_.reset();
    return release;
  }

private:
  Payload(Bytes bytes, bool copied) noexcept : bytes_(bytes), copied_(copied) {}

  Bytes bytes_;
  bool copied_ = false;
  std::optional<std::move_only_function<void()>> release_; ///< mostly none, and nothing to destroy
};

/// What is known of the connection that carries an exchange: this hop's facts, never claims.
struct ConnectionFacts {
  /// "192.0.2.1:50312". Where a listener's proxy has told it: its client.
  std::string_view peer;
  /// The proxy itself then, as the kernel tells it; else empty.
  std::string_view proxy = {};
  bool encrypted = false;
  std::string_view version;     ///< "TLSv1.3"; empty when not encrypted
  std::string_view suite;       ///< "TLS_AES_128_GCM_SHA256"
  std::string_view protocol;    ///< ALPN; empty when none was offered
  std::string_view server_name; ///< SNI; empty when none was sent
  bool resumed = false;
  std::uint64_t generation = 0;                    ///< of tls::LiveNames that it shook hands under
  RecordLayer send_records = RecordLayer::user;    ///< user or kernel, as of now
  RecordLayer receive_records = RecordLayer::user; ///< likewise
  /// What the client showed, now or when its session began; null when that was nothing. Served
  /// does not mean believed: see its verdict. Lives as long as the connection.
  const tls::ClientCertificate* client_certificate = nullptr;
  std::uint64_t id = 0; ///< slot and generation, as in Error::connection
};

/// `co_await` answers the next piece of the request body.
class [[nodiscard]] ReadAwait {
public:
  explicit ReadAwait(Exchange& exchange) noexcept : exchange_(exchange) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<Bytes> await_resume() noexcept;

private:
  Exchange& exchange_;
};

/// `co_await` answers when the bytes given have been taken into the send window.
class [[nodiscard]] WriteAwait {
public:
  explicit WriteAwait(Exchange& exchange) noexcept : exchange_(exchange) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<> await_resume() noexcept;

private:
  Exchange& exchange_;
};

/// Lets a handler go on that waits for something from elsewhere: another thread, another
/// connection, a timer of the host's. A value: copy it where it is needed.
class Waker {
public:
  /// The handler's woken() answers, now or when it comes to it. Several before that count as one;
  /// an exchange that has ended takes no notice. False when the shard has ended.
  /// Cost:  one job posted to the shard.
  /// Where: any thread, while the engine lives.
  bool wake() const noexcept;

private:
  friend class net::ExchangeState;
  Waker(Shard& shard, std::uint64_t connection, std::uint32_t request) noexcept
      : shard_(&shard), connection_(connection), request_(request) {}

  Shard* shard_;
  std::uint64_t connection_;
  std::uint32_t request_;
};

/// `co_await` answers once the exchange was woken.
class [[nodiscard]] WakeAwait {
public:
  explicit WakeAwait(Exchange& exchange) noexcept : exchange_(exchange) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<> await_resume() noexcept;

private:
  Exchange& exchange_;
};

/// `co_await` answers after a time.
class [[nodiscard]] SleepAwait {
public:
  SleepAwait(Exchange& exchange, std::chrono::milliseconds time) noexcept
      : exchange_(exchange), time_(time) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<> await_resume() noexcept;

private:
  Exchange& exchange_;
  std::chrono::milliseconds time_;
};

/// `co_await` answers what comes first: a piece, or nullopt when the exchange was woken.
class [[nodiscard]] ReadOrWakeAwait {
public:
  explicit ReadOrWakeAwait(Exchange& exchange) noexcept : exchange_(exchange) {}
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  Result<std::optional<Bytes>> await_resume() noexcept;

private:
  Exchange& exchange_;
};

/// The request body, piece by piece.
class BodyReader {
public:
  explicit BodyReader(Exchange& exchange) noexcept : exchange_(&exchange) {}

  /// The next piece; empty = the body has ended and trailers() are there.
  /// Borrow: the piece lives until the next read() or the end of the exchange.
  /// Errors: request_stream.cut_short, request_stream.body_timed_out, request_stream.peer_closed,
  ///         http_parse.bad_chunk, tls_record.*.
  /// Cost:   no copy, except where one TLS record straddles receive buffers (one copy).
  ReadAwait read() noexcept { return ReadAwait(*exchange_); }

  /// The same, or nullopt as soon as a Waker of the exchange says so: for who has to send while
  /// the peer is silent.
  ReadOrWakeAwait read_or_woken() noexcept { return ReadOrWakeAwait(*exchange_); }

  /// No more of the body is wanted: a read that waits, and each later one, answers
  /// request_stream.left_unread. For who writes the answer while another coroutine reads.
  void leave() noexcept;

  /// Fields after a chunked body; empty before its end.
  Fields trailers() const noexcept;

private:
  Exchange* exchange_;
};

/// The response body, piece by piece.
class BodyWriter {
public:
  explicit BodyWriter(Exchange& exchange) noexcept : exchange_(&exchange) {}

  /// Sends one piece. Waits while the send window (Limits::send_credit_bytes) is full.
  /// Borrow: `piece` may be reused as soon as the call returns its result.
  /// Errors: response_stream.peer_closed, response_stream.stalled, response_stream.wrong_length.
  /// Cost:   one pass over the bytes: sealed or copied into the send window.
  /// Where:  one write at a time.
  WriteAwait write(Bytes piece) noexcept;
  WriteAwait write(std::string_view piece) noexcept { return write(bytes_of(piece)); }

  /// Ends the body. Trailers are sent with a chunked body and dropped otherwise.
  /// Errors: as write(); response_stream.wrong_length when fewer bytes were written than announced.
  WriteAwait finish(std::span<const Field> trailers = {}) noexcept;

private:
  Exchange* exchange_;
};

/// One request and its one response.
class Exchange {
public:
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Head& head() const noexcept;
  Fields fields() const noexcept;
  const ConnectionFacts& connection() const noexcept;
  BodyReader body() noexcept { return BodyReader(*this); }

  /// Answers with a whole response. content-length, date and connection are the engine's.
  /// Borrow: `fields` may go when the call returns; the payload as its own name says.
  /// Errors: reported to Engine::on_error: handler.answered_twice (nothing is sent),
  ///         handler.bad_response (500 is sent instead), handler.no_memory (503).
  /// Cost:   one record and one send when head and payload fit 16 KiB; no allocation.
  void respond(int status, std::span<const Field> fields, Payload payload = {}) noexcept;

  /// Begins a response whose body is written piece by piece: with content-length when `length` is
  /// given, else chunked (HTTP/1.1) or until close (HTTP/1.0).
  /// Errors: as respond(); writes after such a failure answer it too.
  BodyWriter stream(int status, std::span<const Field> fields,
                    std::optional<std::uint64_t> length = {}) noexcept;

  /// Sends an interim answer (RFC 9110 section 15.2) before the answer: 100, or 102 to 199, for
  /// instance 103 with link fields (RFC 8297). An HTTP/1.0 client gets none.
  /// Errors: reported to Engine::on_error: handler.bad_response (nothing is sent),
  ///         handler.answered_twice.
  void inform(int status, std::span<const Field> fields) noexcept;

  /// The protocols that the client offers to switch to (RFC 9110 section 7.8), as it wrote them;
  /// empty when it offers none.
  std::string_view offered_protocols() const noexcept;

  /// Switches to `protocol`, one of those, with status 101; or, for CONNECT, opens the tunnel with
  /// 200 and no protocol. From then on body() answers the raw bytes that the client sends, the
  /// writer sends raw bytes, and its finish() ends our direction alone. The connection ends with
  /// the exchange. Once the request's own body has been read.
  /// Errors: reported to Engine::on_error: handler.bad_switch (500 is sent instead), and as
  ///         respond(); reads and writes after such a failure answer it too. Later reads:
  ///         request_stream.tunnel_timed_out, request_stream.peer_closed, tls_record.*.
  BodyWriter open_tunnel(std::string_view protocol, std::span<const Field> fields) noexcept;

  /// What wakes this exchange's handler.
  Waker waker() noexcept;
  /// Waits for waker().wake(). Within the time of Limits::handler_timeout.
  /// Errors: handler.timed_out (503 is the answer, if there was none), request_stream.peer_closed.
  /// Cost:   no allocation.
  WakeAwait woken() noexcept { return WakeAwait(*this); }
  /// Waits for a time, rounded up to 10 ms. Errors: as woken().
  SleepAwait sleep(std::chrono::milliseconds time) noexcept { return SleepAwait(*this, time); }

  /// Closes the connection, with `connection: close`, after this exchange. Before the answer. The
  /// rest of a body that is not read is dropped for as long as the answer takes to arrive.
  void close_after() noexcept;
  /// Reads and drops up to so many bytes of the body that are unread at the end, and keeps the
  /// connection: instead of Limits::unread_body_bytes_max, and within unread_body_timeout.
  void drain_body(std::uint64_t bytes_max) noexcept;
  /// Breaks the exchange off, as soon as its handler waits or ends: the connection is reset, and
  /// what has been sent of an answer or through a tunnel cannot pass for whole. What the handler
  /// waits for fails.
  void abort() noexcept;
  /// The engine drains: the sooner this exchange ends, the better.
  bool draining() const noexcept;

  /// Memory that lives exactly as long as this exchange.
  Arena& arena() noexcept;

protected:
  Exchange() noexcept = default;
  ~Exchange() = default;
};

} // namespace ringfort
