// client_session — a client's handshake: bytes in, bytes out, then keys; and, for a while, the
// tickets that follow it.
//
//   talk       OpenSSL talks, and is the first to
//   done       keys and facts can be taken
//   tickets    records that hold tickets of TLS 1.3 (RFC 8446 section 4.6.1) and nothing else
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <ringfort/bytes.hpp>
#include <ringfort/certificate.hpp>
#include <ringfort/error.hpp>

#include "tls/handshake.hpp"
#include "tls/shard_client_context.hpp"

namespace ringfort::tls {

/// Which server is meant.
struct ServerName {
  /// What it is asked for (SNI). Of what is no host name, an address for one, nothing is sent
  /// (RFC 6066 section 3).
  std::string asked = {};
  /// What it has to prove: a host name, or an address without brackets.
  std::string proved;
  /// Where it is. Sessions serve where all three are the same.
  std::string session_key = {};
};

/// What a handshake settled.
struct ClientSessionFacts : HandshakeFacts {
  /// The chain as the server sent it, and whether it is believed; of a resumed session as it was
  /// when that began. Findings are none.
  std::unique_ptr<Diagnosis> certificates = {};
};

/// Where: one shard.
class ClientSession final : public Handshake {
public:
  /// Sessions are judged, and kept, by `now_unix_s`.
  /// Borrow: `library` and `context` for the session's life.
  ClientSession(const Library& library, ShardClientContext& context, ServerName server,
                std::int64_t now_unix_s) noexcept
      : Handshake(library, Side::client), context_(context), server_(std::move(server)),
        now_unix_s_(now_unix_s) {}

  /// The first call puts out the hello, whatever the input.
  Result<Progress> receive(Bytes input) override;

  /// After done.
  ClientSessionFacts take_facts() const;

  /// Of the first records after the handshake: one as it came, that Channel says holds tickets.
  /// Every one before it has to have been given too, so the first that is another kind is the end
  /// of this. Errors: tls_record.unexpected_message; then this is to be let go, too.
  Result<> receive_ticket(Bytes record);

  /// For ShardClientContext: Handshake::observe(), and of the sessions that servers give.
  static void observe(ssl_ctx_st* context, KeyLog* key_log) noexcept;

private:
  Result<> ask();
  Error failure() const noexcept override;
  Code code_of_alert() const noexcept;
  static int keep(ssl_st* ssl, ssl_session_st* session) noexcept;

  ShardClientContext& context_;
  ServerName server_;
  std::int64_t now_unix_s_;
  std::int64_t offer_proved_unix_s_ = 0; ///< of the session that was offered
};

} // namespace ringfort::tls
