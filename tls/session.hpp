// session — one handshake: bytes in, bytes out, then keys. OpenSSL does the talking and is freed
// when it is over.
//
//   hello      the client's first message is gathered; there is no SSL object yet
//   choice     the caller says which context answers: use(), or refuse(); it may keep us waiting
//   talk       OpenSSL talks
//   done       keys and facts can be taken
//
// Input is read straight from the caller's buffer, one record at a time, so that the handshake ends
// exactly at a record boundary and whatever the peer sent early stays with the caller.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/certificate.hpp>
#include <ringfort/error.hpp>

#include "tls/alerts.hpp"
#include "tls/shard_context.hpp"
#include "tls/traffic_keys.hpp"

struct bio_st;
struct ssl_st;

namespace ringfort::tls {

/// What a handshake settled.
struct SessionFacts {
  const Suite* suite = nullptr;
  bool resumed = false;
  bool ticket_refused = false;              ///< one was offered, and a full handshake followed
  std::string_view protocol;                ///< ALPN: "http/1.1", or empty when none was offered
  std::unique_ptr<std::string> server_name; ///< SNI as sent; null when none was
  std::unique_ptr<ClientCertificate> client_certificate; ///< null when none was shown
};

/// Where: one shard.
class Session {
public:
  enum class Wants : std::uint8_t {
    input,   ///< more of it; what waits is part of a message
    context, ///< the hello is here: use() or refuse()
    nothing, ///< the handshake is over; send output(), then take_keys()
  };

  /// The server's side. Tickets are judged by `now_unix_s` as long as the handshake lasts.
  /// Borrow: `library` for the session's life.
  Session(const Library& library, std::int64_t now_unix_s) noexcept
      : library_(library), now_unix_s_(now_unix_s) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  struct Progress {
    std::size_t consumed_bytes;
    Wants wants;
  };

  /// Moves the handshake on; not while a context is wanted. Whatever it answers, output() may hold
  /// bytes to send: alerts leave that way too.
  /// Errors: tls_handshake.* (but timed_out and peer_closed, which the transport knows),
  ///         tls_context.no_memory.
  Result<Progress> receive(Bytes input);

  /// The server name exactly as the client sent it; empty when it sent none. Once Wants::context.
  std::string_view server_name() const noexcept { return server_name_; }
  /// A hello that arrived in pieces waits here for use(): receive() goes on without input then.
  bool holds_hello() const noexcept { return context_ != nullptr && !hello_.empty(); }
  /// Takes all of `input` out of it, because the answer to the hello has to wait: the hello, unless
  /// it is held, and the little that may follow it. After use(), before the receive() after that.
  /// Errors: tls_handshake.malformed: more than a client sends before it is answered.
  Result<> hold(Bytes input);
  /// The context that answers, once Wants::context. There is no SSL object before receive().
  void use(std::shared_ptr<const ShardContext> context) noexcept { context_ = std::move(context); }
  /// The next receive() may do asymmetric work: our Finished has not gone out yet, or a client
  /// certificate is to be looked at. What follows is symmetric.
  bool step_costs() const noexcept {
    return context_ != nullptr && (!sent_finished_ || asked_certificate_);
  }
  /// No context answers: the alert is put out, and the handshake is over.
  void refuse(Alert alert);

  /// Borrow: until the next receive() or output_sent().
  Bytes output() const noexcept { return Bytes(output_).subspan(output_sent_bytes_); }
  void output_sent(std::size_t bytes) noexcept { output_sent_bytes_ += bytes; }

  /// What was settled; moves the server name out. Once, after done.
  SessionFacts take_facts();
  /// Once, after done. Errors: tls_handshake.keys_unavailable.
  Result<TrafficKeys> take_keys();

  // For OpenSSL's callbacks.
  static Session& of(const ssl_st* ssl) noexcept;
  /// The one in use.
  const ShardContext& context() const noexcept { return *context_; }
  std::int64_t now_unix_s() const noexcept { return now_unix_s_; }
  void on_ticket_offered() noexcept { ticket_offered_ = true; }

  /// For ShardContext: sets the callbacks through which sessions learn of records and alerts, and
  /// of what a key log is told.
  static void observe(ssl_ctx_st* context, bool logs_keys) noexcept;
  /// For ShardContext: how sessions read and write.
  static std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> make_bio_method();

private:
  friend struct SessionCallbacks;

  Result<Progress> gather_hello(Bytes input);
  Result<Progress> talk(Bytes input);
  Result<> make_ssl();
  Error failure() const noexcept;

  const Library& library_;
  std::int64_t now_unix_s_;
  std::shared_ptr<const ShardContext> context_; ///< before ssl_, whose callbacks look at it
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_{nullptr, nullptr};
  std::vector<std::byte> hello_; ///< as long as it does not lie whole in the caller's buffer; and
                                 ///< what follows it, when its answer waits
  std::string server_name_;
  std::size_t hello_bytes_ = 0; ///< once it is whole
  bool ticket_offered_ = false;
  bool sent_finished_ = false;
  bool asked_certificate_ = false;
  int peer_alert_ = -1;
  Bytes input_;
  std::vector<std::byte> output_;
  std::size_t output_sent_bytes_ = 0;
  TrafficSecrets secrets_;
};

} // namespace ringfort::tls
