#include "tls/session.hpp"

#include <array>
#include <utility>

#include <openssl/sslerr.h>

#include "tls/client_certificates.hpp"
#include "tls/client_hello.hpp"
#include "tls/distrust.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

Session& Session::of(const ssl_st* ssl) noexcept {
  return static_cast<Session&>(Handshake::of(ssl));
}

bool Session::step_costs() const noexcept {
  return context_ != nullptr && (!sent(SSL3_MT_FINISHED) || sent(SSL3_MT_CERTIFICATE_REQUEST));
}

void Session::refuse(Alert alert) {
  // A record in clear, of TLS 1.2 as the hello's own was, with a fatal alert in it.
  const std::array<std::uint8_t, 7> record{21, 3, 3, 0, 2, 2, static_cast<std::uint8_t>(alert)};
  put_out(std::as_bytes(std::span(record)));
}

Result<Session::Progress> Session::receive(Bytes input) {
  return context_ == nullptr ? gather_hello(input) : answer(input);
}

Result<> Session::hold(Bytes input) {
  // A change_cipher_spec (RFC 8446 appendix D.4), or a request as early data that we never offer.
  constexpr std::size_t following_bytes_max = 4'096;
  if (hello_.size() + input.size() > hello_bytes_ + following_bytes_max) {
    return fail(Code::tls_handshake_malformed);
  }
  hello_.insert(hello_.end(), input.begin(), input.end());
  return {};
}

/// A hello that lies whole in `input` stays there for answer(); one that does not is copied.
Result<Session::Progress> Session::gather_hello(Bytes input) {
  const std::size_t gathered_bytes = hello_.size();
  if (gathered_bytes > 0) hello_.insert(hello_.end(), input.begin(), input.end());
  const auto hello = read_client_hello(gathered_bytes > 0 ? Bytes(hello_) : input);
  if (!hello) {
    // Who does not speak TLS would not understand an alert.
    const bool tells = hello.error().code == Code::tls_handshake_malformed ||
                       hello.error().code == Code::tls_handshake_oversized_hello;
    if (tells) refuse(alert_for(hello.error()));
    return std::unexpected(hello.error());
  }
  if (hello->bytes == 0) {
    if (gathered_bytes == 0) hello_.assign(input.begin(), input.end());
    return Progress{.consumed_bytes = input.size(), .wants = Wants::input};
  }
  server_name_ = hello->server_name();
  offered_protocols_ = hello->offered_protocols();
  hello_bytes_ = hello->bytes;
  if (gathered_bytes == 0) return Progress{.consumed_bytes = 0, .wants = Wants::context};
  hello_.resize(hello->bytes); // What follows it is not ours yet.
  return Progress{.consumed_bytes = hello->bytes - gathered_bytes, .wants = Wants::context};
}

Result<Session::Progress> Session::answer(Bytes input) {
  if (ssl() == nullptr) {
    if (auto begun = begin(context_->ssl_context()); !begun) {
      refuse(alert_for(begun.error()));
      return std::unexpected(begun.error());
    }
  }
  if (hello_.empty()) return talk(input);
  auto progress = talk(hello_);
  std::exchange(hello_, {});
  if (progress) progress->consumed_bytes = 0; // Nothing of `input`.
  return progress;
}

Error Session::failure() const noexcept {
  if (peer_alert() >= 0) return {.code = Code::tls_handshake_peer_alert, .detail = peer_alert()};
  const int reason = ERR_GET_REASON(ERR_peek_error());
  switch (reason) {
  case SSL_R_WRONG_VERSION_NUMBER: return {.code = Code::tls_handshake_not_tls, .detail = reason};
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_VERSION_TOO_LOW:
  case SSL_R_NO_PROTOCOLS_AVAILABLE:
    return {.code = Code::tls_handshake_version_too_low, .detail = reason};
  case SSL_R_NO_SHARED_CIPHER:
  case SSL_R_NO_SUITABLE_KEY_SHARE:
  case SSL_R_NO_SHARED_GROUPS:
  case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
  case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    return {.code = Code::tls_handshake_no_shared_suite, .detail = reason};
  case SSL_R_NO_APPLICATION_PROTOCOL:
    return {.code = Code::tls_handshake_no_shared_protocol, .detail = reason};
  case SSL_R_EXCESSIVE_MESSAGE_SIZE:
    return {.code = Code::tls_handshake_message_too_long, .detail = reason};
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    return {.code = Code::tls_handshake_client_certificate_missing, .detail = reason};
  case SSL_R_CERTIFICATE_VERIFY_FAILED: {
    const int distrust = static_cast<int>(SSL_get_verify_result(ssl()));
    return {.code = code_of_distrusted_client(distrust), .detail = distrust};
  }
  default: return {.code = Code::tls_handshake_malformed, .detail = reason};
  }
}

SessionFacts Session::take_facts() {
  SessionFacts taken{facts()};
  taken.ticket_refused = ticket_offered_ && !taken.resumed;
  if (!server_name_.empty()) {
    taken.server_name = std::make_unique<std::string>(std::move(server_name_));
  }
  taken.client_certificate = client_certificate_of(ssl());
  return taken;
}

} // namespace ringfort::tls
