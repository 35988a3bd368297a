// session — a server's handshake: bytes in, bytes out, then keys.
//
//   hello      the client's first message is gathered; there is no SSL object yet
//   choice     the caller says which context answers: use(), or refuse(); it may keep us waiting
//   talk       OpenSSL talks
//   done       keys and facts can be taken
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/certificate.hpp>
#include <ringfort/error.hpp>

#include "tls/alerts.hpp"
#include "tls/handshake.hpp"
#include "tls/shard_context.hpp"

namespace ringfort::tls {

/// What a handshake settled.
struct SessionFacts : HandshakeFacts {
  bool ticket_refused = false;                   ///< one was offered, and a full handshake followed
  std::unique_ptr<std::string> server_name = {}; ///< SNI as sent; null when none was
  std::unique_ptr<ClientCertificate> client_certificate = {}; ///< null when none was shown
};

/// Where: one shard.
class Session final : public Handshake {
public:
  /// Tickets are judged by `now_unix_s` as long as the handshake lasts.
  /// Borrow: `library` for the session's life.
  Session(const Library& library, std::int64_t now_unix_s) noexcept
      : Handshake(library, Side::server), now_unix_s_(now_unix_s) {}

  /// Once Wants::context: use() or refuse() comes next.
  Result<Progress> receive(Bytes input) override;

  /// The server name exactly as the client sent it; empty when it sent none. Once Wants::context.
  std::string_view server_name() const noexcept { return server_name_; }
  /// The protocols that it offers (ALPN), each behind a byte with its length. Likewise.
  std::string_view offered_protocols() const noexcept { return offered_protocols_; }
  /// What of the hello does not lie in the caller's buffers. Likewise, and nothing follows: the
  /// handshake is somebody else's.
  std::vector<std::byte> take_hello() noexcept { return std::move(hello_); }
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
  bool step_costs() const noexcept;
  /// No context answers: the alert is put out, and the handshake is over.
  void refuse(Alert alert);

  /// What was settled; moves the server name out. Once, after done.
  SessionFacts take_facts();

  // For OpenSSL's callbacks.
  static Session& of(const ssl_st* ssl) noexcept;
  /// The one in use.
  const ShardContext& context() const noexcept { return *context_; }
  std::int64_t now_unix_s() const noexcept { return now_unix_s_; }
  void on_ticket_offered() noexcept { ticket_offered_ = true; }

private:
  Result<Progress> gather_hello(Bytes input);
  Result<Progress> answer(Bytes input);
  Error failure() const noexcept override;

  std::int64_t now_unix_s_;
  std::shared_ptr<const ShardContext> context_;
  std::vector<std::byte> hello_; ///< as long as it does not lie whole in the caller's buffer; and
                                 ///< what follows it, when its answer waits
  std::string server_name_;
  std::string offered_protocols_;
  std::size_t hello_bytes_ = 0; ///< once it is whole
  bool ticket_offered_ = false;
};

} // namespace ringfort::tls
