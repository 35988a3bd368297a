#include "tls/session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/sslerr.h>

#include "tls/client_certificates.hpp"
#include "tls/client_hello.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

/// OpenSSL's callbacks: each finds its Session.
struct SessionCallbacks {
  static int read(BIO* bio, char* out, int bytes_wanted) noexcept {
    Session& self = *static_cast<Session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self.input_.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t bytes = std::min(self.input_.size(), static_cast<std::size_t>(bytes_wanted));
    std::memcpy(out, self.input_.data(), bytes);
    self.input_ = self.input_.subspan(bytes);
    return static_cast<int>(bytes);
  }

  static int write(BIO* bio, const char* bytes, int count) noexcept {
    Session& self = *static_cast<Session*>(BIO_get_data(bio));
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    self.output_.insert(self.output_.end(), begin, begin + count);
    return count;
  }

  static long control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static void keylog(const SSL* ssl, const char* line) noexcept {
    Session::of(ssl).context().key_log()->write(line);
  }

  static void message(int sent, int, int type, const void* bytes, std::size_t count, SSL* ssl,
                      void*) noexcept {
    Session& self = Session::of(ssl);
    if (type == SSL3_RT_HEADER) {
      ++(sent != 0 ? self.secrets_.server : self.secrets_.client).records;
    } else if (type == SSL3_RT_ALERT && sent == 0 && count == 2) {
      self.peer_alert_ = static_cast<const unsigned char*>(bytes)[1];
    } else if (type == SSL3_RT_HANDSHAKE && sent != 0 && count > 0) {
      const int kind = *static_cast<const unsigned char*>(bytes);
      self.sent_finished_ = self.sent_finished_ || kind == SSL3_MT_FINISHED;
      self.asked_certificate_ = self.asked_certificate_ || kind == SSL3_MT_CERTIFICATE_REQUEST;
    }
  }
};

void Session::observe(ssl_ctx_st* context, bool logs_keys) noexcept {
  if (logs_keys) SSL_CTX_set_keylog_callback(context, SessionCallbacks::keylog);
  SSL_CTX_set_msg_callback(context, SessionCallbacks::message);
}

std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> Session::make_bio_method() {
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringfort session"), BIO_meth_free);
  if (method != nullptr) {
    BIO_meth_set_read(method.get(), SessionCallbacks::read);
    BIO_meth_set_write(method.get(), SessionCallbacks::write);
    BIO_meth_set_ctrl(method.get(), SessionCallbacks::control);
  }
  return method;
}

Session& Session::of(const ssl_st* ssl) noexcept {
  return *static_cast<Session*>(SSL_get_app_data(ssl));
}

Result<> Session::make_ssl() {
  ssl_ = {SSL_new(context_->ssl_context()), SSL_free};
  BIO* bio = BIO_new(library_.bio_method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ssl_.reset();
    const Error error{.code = Code::tls_context_no_memory};
    refuse(alert_for(error));
    return std::unexpected(error);
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_accept_state(ssl_.get());
  return {};
}

void Session::refuse(Alert alert) {
  // A record in clear, of TLS 1.2 as the hello's own was, with a fatal alert in it.
  const std::array<std::uint8_t, 7> record{21, 3, 3, 0, 2, 2, static_cast<std::uint8_t>(alert)};
  const Bytes bytes = std::as_bytes(std::span(record));
  output_.insert(output_.end(), bytes.begin(), bytes.end());
}

// Freed without these flags, OpenSSL would think the session was cut and never resume it.
Session::~Session() {
  library_.key_schedule().forget();
  OPENSSL_cleanse(&secrets_, sizeof secrets_);
  if (ssl_ == nullptr) return;
  SSL_set_quiet_shutdown(ssl_.get(), 1);
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Result<Session::Progress> Session::receive(Bytes input) {
  return context_ == nullptr ? gather_hello(input) : talk(input);
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

/// A hello that lies whole in `input` stays there for talk(); one that does not is copied.
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
  hello_bytes_ = hello->bytes;
  if (gathered_bytes == 0) return Progress{.consumed_bytes = 0, .wants = Wants::context};
  hello_.resize(hello->bytes); // What follows it is not ours yet.
  return Progress{.consumed_bytes = hello->bytes - gathered_bytes, .wants = Wants::context};
}

Result<Session::Progress> Session::talk(Bytes input) {
  if (ssl_ == nullptr) {
    if (auto made = make_ssl(); !made) return std::unexpected(made.error());
  }
  const bool gathered = !hello_.empty();
  input_ = gathered ? Bytes(hello_) : input;
  const KeySchedule::Telling telling(library_.key_schedule(), secrets_);
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  const std::size_t consumed_bytes = gathered ? 0 : input.size() - input_.size();
  input_ = {};
  if (gathered) std::exchange(hello_, {});
  if (status == 1) return Progress{.consumed_bytes = consumed_bytes, .wants = Wants::nothing};
  if (SSL_get_error(ssl_.get(), status) == SSL_ERROR_WANT_READ) {
    return Progress{.consumed_bytes = consumed_bytes, .wants = Wants::input};
  }
  const Error error = failure();
  ERR_clear_error();
  return std::unexpected(error);
}

Error Session::failure() const noexcept {
  if (peer_alert_ >= 0) return {.code = Code::tls_handshake_peer_alert, .detail = peer_alert_};
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
    const int distrust = static_cast<int>(SSL_get_verify_result(ssl_.get()));
    return {.code = code_of_distrust(distrust), .detail = distrust};
  }
  default: return {.code = Code::tls_handshake_malformed, .detail = reason};
  }
}

SessionFacts Session::take_facts() {
  SessionFacts facts;
  const SSL* ssl = ssl_.get();
  facts.suite = suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
  facts.resumed = SSL_session_reused(ssl) == 1;
  facts.ticket_refused = ticket_offered_ && !facts.resumed;
  const unsigned char* protocol = nullptr;
  unsigned protocol_bytes = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &protocol_bytes);
  if (protocol_bytes > 0) facts.protocol = "http/1.1"; // The only one that can be selected.
  if (!server_name_.empty()) {
    facts.server_name = std::make_unique<std::string>(std::move(server_name_));
  }
  facts.client_certificate = client_certificate_of(ssl);
  return facts;
}

namespace {

Result<DirectionKeys> keys_of(const Suite& suite, const TrafficSecret& told) noexcept {
  if (told.secret_bytes != suite.hash_bytes || told.key_bytes != suite.key_bytes ||
      told.iv_bytes != nonce_bytes) {
    return fail(Code::tls_handshake_keys_unavailable);
  }
  return DirectionKeys{.suite = &suite,
                       .key = told.key,
                       .iv = told.iv,
                       .secret = told.secret,
                       .sequence = told.records};
}

} // namespace

Result<TrafficKeys> Session::take_keys() {
  const SSL* ssl = ssl_.get();
  const Suite* suite = suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
  if (suite == nullptr) return fail(Code::tls_handshake_keys_unavailable);
  if (suite->version == Version::tls_1_3) {
    const auto receive = keys_of(*suite, secrets_.client);
    const auto send = keys_of(*suite, secrets_.server);
    if (!receive || !send) return fail(Code::tls_handshake_keys_unavailable);
    return TrafficKeys{.receive = *receive, .send = *send};
  }
  return keys_of_block(*suite, Bytes(secrets_.key_block).first(secrets_.key_block_bytes));
}

} // namespace ringfort::tls
