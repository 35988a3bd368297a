#include "tls/client_session.hpp"

#include <openssl/sslerr.h>

#include "tls/alerts.hpp"
#include "tls/certificate_facts.hpp"
#include "tls/distrust.hpp"
#include "tls/host_name.hpp"
#include "tls/openssl.hpp"
#include "tls/server_verification.hpp"

namespace ringfort::tls {

namespace {

/// No name that can be proved has a line's end.
std::string key_of(const ServerName& server) {
  return server.proved + '\n' + server.asked + '\n' + server.session_key;
}

} // namespace

void ClientSession::observe(ssl_ctx_st* context, KeyLog* key_log) noexcept {
  Handshake::observe(context, key_log);
  SSL_CTX_sess_set_new_cb(context, keep);
}

/// In TLS 1.2 as the handshake ends, in TLS 1.3 with each ticket.
int ClientSession::keep(ssl_st* ssl, ssl_session_st* session) noexcept {
  const auto& self = static_cast<ClientSession&>(Handshake::of(ssl));
  const bool resumed = SSL_session_reused(ssl) == 1;
  self.context_.sessions().keep(
      key_of(self.server_),
      {.session = {session, SSL_SESSION_free},
       .proved_unix_s = resumed ? self.offer_proved_unix_s_ : self.now_unix_s_},
      self.now_unix_s_);
  return 1; // The reference has been taken.
}

Result<> ClientSession::ask() {
  if (auto begun = begin(context_.ssl_context()); !begun) return begun;
  if (const HostName host(server_.asked); host) {
    const std::string name(host.text());
    if (SSL_set_tlsext_host_name(ssl(), name.c_str()) != 1) {
      return fail(Code::tls_context_no_memory);
    }
  }
  // A name that nobody can prove.
  if (!demand_name(ssl(), server_.proved)) {
    return fail(Code::tls_handshake_server_certificate_wrong_name);
  }
  const ClientSessions::Offer offer = context_.sessions().take(key_of(server_), now_unix_s_);
  offer_proved_unix_s_ = offer.proved_unix_s;
  if (offer.session != nullptr) SSL_set_session(ssl(), offer.session.get());
  return {};
}

Result<ClientSession::Progress> ClientSession::receive(Bytes input) {
  if (ssl() == nullptr) {
    if (auto asked = ask(); !asked) return std::unexpected(asked.error());
  }
  const auto progress = talk(input);
  if (!progress || progress->wants != Wants::nothing) return progress;
  // OpenSSL takes what was not offered.
  if (const auto protocol = selected_protocol(); !protocol.empty() && protocol != "http/1.1") {
    return fail(Code::tls_handshake_malformed);
  }
  return progress;
}

Error ClientSession::failure() const noexcept {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  switch (reason) {
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_PACKET_LENGTH_TOO_LONG:
    return {.code = Code::tls_handshake_server_not_tls, .detail = reason};
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_WRONG_SSL_VERSION:
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    return {.code = Code::tls_handshake_server_version_refused, .detail = reason};
  case SSL_R_EXCESSIVE_MESSAGE_SIZE:
    return {.code = Code::tls_handshake_message_too_long, .detail = reason};
  case SSL_R_CERTIFICATE_VERIFY_FAILED: {
    const int distrust = static_cast<int>(SSL_get_verify_result(ssl()));
    return {.code = code_of_distrusted_server(distrust), .detail = distrust};
  }
  default: break;
  }
  // A warning may have come before something else went wrong; close_notify is no error to OpenSSL.
  const bool told = reason == 0 || reason >= SSL_AD_REASON_OFFSET;
  if (told && peer_alert() >= 0) {
    return {.code = code_of_alert(), .detail = peer_alert()};
  }
  return {.code = Code::tls_handshake_malformed, .detail = reason};
}

/// What an alert of the server's means depends on what it had come to know.
Code ClientSession::code_of_alert() const noexcept {
  enum Message : int { certificate = 11, certificate_verify = 15, client_key_exchange = 16 };
  const auto alert = static_cast<Alert>(peer_alert());
  switch (alert) {
  case Alert::handshake_failure:
  case Alert::bad_certificate:
  case Alert::certificate_unknown:
  case Alert::access_denied:
  case Alert::certificate_required:
    // Asked for a certificate, who has none sends an empty list.
    if (!sent(certificate) || sent(certificate_verify)) break;
    return Code::tls_handshake_server_wants_certificate;
  default: break;
  }
  const bool refuses_offer =
      alert == Alert::handshake_failure || alert == Alert::insufficient_security;
  if (refuses_offer && !sent(client_key_exchange)) {
    return Code::tls_handshake_server_no_shared_suite;
  }
  return Code::tls_handshake_peer_alert;
}

ClientSessionFacts ClientSession::take_facts() const {
  ClientSessionFacts taken{facts()};
  taken.certificates = std::make_unique<Diagnosis>();
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl());
  for (int index = 0; index < sk_X509_num(chain); ++index) {
    taken.certificates->chain.push_back(facts_of(sk_X509_value(chain, index)));
  }
  taken.certificates->verdict = verdict_of(static_cast<int>(SSL_get_verify_result(ssl())));
  return taken;
}

Result<> ClientSession::receive_ticket(Bytes record) {
  if (!feed(record)) return fail(Code::tls_record_unexpected_message);
  return {};
}

} // namespace ringfort::tls
