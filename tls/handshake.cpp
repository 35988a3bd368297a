#include "tls/handshake.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tls/openssl.hpp"

namespace ringfort::tls {

/// OpenSSL's callbacks: each finds its Handshake.
struct HandshakeCallbacks {
  static int read(BIO* bio, char* out, int bytes_wanted) noexcept {
    Handshake& self = *static_cast<Handshake*>(BIO_get_data(bio));
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
    Handshake& self = *static_cast<Handshake*>(BIO_get_data(bio));
    self.put_out(std::as_bytes(std::span(bytes, static_cast<std::size_t>(count))));
    return count;
  }

  static long control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static void keylog(const SSL* ssl, const char* line) noexcept {
    static_cast<KeyLog*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->write(line);
  }

  static void message(int sent, int, int type, const void* bytes, std::size_t count, SSL* ssl,
                      void*) noexcept {
    Handshake& self = Handshake::of(ssl);
    if (type == SSL3_RT_HEADER) {
      const bool of_server = (sent != 0) == (self.side_ == Side::server);
      ++(of_server ? self.secrets_.server : self.secrets_.client).records;
    } else if (type == SSL3_RT_ALERT && sent == 0 && count == 2) {
      self.peer_alert_ = static_cast<const unsigned char*>(bytes)[1];
    } else if (type == SSL3_RT_HANDSHAKE && sent != 0 && count > 0) {
      const unsigned kind = *static_cast<const unsigned char*>(bytes);
      if (kind < 32) self.sent_types_ |= 1U << kind;
    }
  }
};

void Handshake::observe(ssl_ctx_st* context, KeyLog* key_log) noexcept {
  SSL_CTX_set_msg_callback(context, HandshakeCallbacks::message);
  if (key_log == nullptr) return;
  SSL_CTX_set_app_data(context, key_log);
  SSL_CTX_set_keylog_callback(context, HandshakeCallbacks::keylog);
}

std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> Handshake::make_bio_method() {
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringfort handshake"),
      BIO_meth_free);
  if (method != nullptr) {
    BIO_meth_set_read(method.get(), HandshakeCallbacks::read);
    BIO_meth_set_write(method.get(), HandshakeCallbacks::write);
    BIO_meth_set_ctrl(method.get(), HandshakeCallbacks::control);
  }
  return method;
}

Handshake& Handshake::of(const ssl_st* ssl) noexcept {
  return *static_cast<Handshake*>(SSL_get_app_data(ssl));
}

Result<> Handshake::begin(ssl_ctx_st* context) {
  ssl_ = {SSL_new(context), SSL_free};
  BIO* bio = BIO_new(library_.bio_method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ssl_.reset();
    return fail(Code::tls_context_no_memory);
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  side_ == Side::server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  return {};
}

// Freed without these flags, OpenSSL would think the session was cut and never resume it.
Handshake::~Handshake() {
  library_.key_schedule().forget();
  OPENSSL_cleanse(&secrets_, sizeof secrets_);
  if (ssl_ == nullptr) return;
  SSL_set_quiet_shutdown(ssl_.get(), 1);
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Result<Handshake::Progress> Handshake::talk(Bytes input) {
  input_ = input;
  const KeySchedule::Telling telling(library_.key_schedule(), secrets_);
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  const std::size_t consumed_bytes = input.size() - input_.size();
  input_ = {};
  if (status == 1) return Progress{.consumed_bytes = consumed_bytes, .wants = Wants::nothing};
  if (SSL_get_error(ssl_.get(), status) == SSL_ERROR_WANT_READ) {
    return Progress{.consumed_bytes = consumed_bytes, .wants = Wants::input};
  }
  const Error error = failure();
  ERR_clear_error();
  return std::unexpected(error);
}

bool Handshake::feed(Bytes record) noexcept {
  const ErrorQueueGuard guard;
  ERR_clear_error();
  input_ = record;
  char data = 0;
  const int status = SSL_read(ssl_.get(), &data, 1);
  const bool whole = std::exchange(input_, {}).empty();
  return whole && status <= 0 && SSL_get_error(ssl_.get(), status) == SSL_ERROR_WANT_READ;
}

std::string_view Handshake::selected_protocol() const noexcept {
  const unsigned char* protocol = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &bytes);
  return {reinterpret_cast<const char*>(protocol), bytes};
}

HandshakeFacts Handshake::facts() const noexcept {
  const SSL* ssl = ssl_.get();
  return {.suite = suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl))),
          .resumed = SSL_session_reused(ssl) == 1,
          .protocol = selected_protocol().empty() ? "" : "http/1.1"}; // No other is taken.
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

/// A server's.
Result<TrafficKeys> keys_of(const Suite& suite, const TrafficSecrets& secrets) noexcept {
  if (suite.version == Version::tls_1_2) {
    return keys_of_block(suite, Bytes(secrets.key_block).first(secrets.key_block_bytes));
  }
  const auto receive = keys_of(suite, secrets.client);
  const auto send = keys_of(suite, secrets.server);
  if (!receive || !send) return fail(Code::tls_handshake_keys_unavailable);
  return TrafficKeys{.receive = *receive, .send = *send};
}

} // namespace

Result<TrafficKeys> Handshake::take_keys() {
  const Suite* suite = facts().suite;
  if (suite == nullptr) return fail(Code::tls_handshake_keys_unavailable);
  auto keys = keys_of(*suite, secrets_);
  if (keys && side_ == Side::client) std::swap(keys->receive, keys->send);
  return keys;
}

} // namespace ringfort::tls
