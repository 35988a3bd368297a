#include "tests/sim/tls_wire.hpp"

#include <array>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <ringfort/check.hpp>

#include "tests/peer/openssl.hpp"

namespace ringfort::sim {

namespace {

SSL_CTX* client_context() {
  static const peer::SslContextOwner context = [] {
    peer::SslContextOwner made(SSL_CTX_new(TLS_client_method()));
    RINGFORT_CHECK(made != nullptr);
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context.get();
}

class TlsWire final : public Wire {
public:
  explicit TlsWire(bool old) : connection_(SSL_new(client_context())) {
    SSL* ssl = connection_.get();
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    if (old) SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    constexpr std::array<unsigned char, 9> protocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_set_alpn_protos(ssl, protocols.data(), protocols.size());
    advance();
  }

  Bytes outgoing() override { return bytes_of(outgoing_); }
  void sent(std::size_t bytes) override { outgoing_.erase(0, bytes); }
  void write(std::string_view text) override {
    waiting_ += text;
    advance();
  }
  void finish() override {
    finishing_ = true;
    advance();
  }
  bool finished() override { return finished_ && outgoing_.empty(); }
  bool ended() const override {
    return (SSL_get_shutdown(connection_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  std::string failure() const override { return failure_; }

  bool read(Bytes arrived, std::string& text) override {
    BIO_write(SSL_get_rbio(connection_.get()), arrived.data(), static_cast<int>(arrived.size()));
    advance();
    std::array<char, 16'384> memory;
    while (failure_.empty()) {
      const int bytes = SSL_read(connection_.get(), memory.data(), memory.size());
      if (bytes > 0) {
        text.append(memory.data(), static_cast<std::size_t>(bytes));
      } else {
        check(bytes);
        break;
      }
    }
    advance();
    return failure_.empty();
  }

private:
  /// Moves the handshake and what waits for it on.
  void advance() {
    SSL* ssl = connection_.get();
    if (failure_.empty() && !SSL_is_init_finished(ssl)) check(SSL_do_handshake(ssl));
    if (failure_.empty() && SSL_is_init_finished(ssl)) {
      if (!waiting_.empty()) {
        check(SSL_write(ssl, waiting_.data(), static_cast<int>(waiting_.size())));
        waiting_.clear();
      }
      if (finishing_ && !finished_) {
        finished_ = true;
        SSL_shutdown(ssl);
      }
    }
    std::array<char, 4'096> memory;
    for (int bytes = 0; (bytes = BIO_read(SSL_get_wbio(ssl), memory.data(), memory.size())) > 0;) {
      outgoing_.append(memory.data(), static_cast<std::size_t>(bytes));
    }
  }

  void check(int result) {
    if (result > 0) return;
    const int error = SSL_get_error(connection_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return;
    const char* reason = ERR_reason_error_string(ERR_get_error());
    failure_ = reason == nullptr ? "error " + std::to_string(error) : reason;
    ERR_clear_error();
  }

  peer::SslOwner connection_;
  std::string waiting_;
  std::string outgoing_;
  std::string failure_;
  bool finishing_ = false;
  bool finished_ = false;
};

} // namespace

std::unique_ptr<Wire> make_tls_wire(bool old) { return std::make_unique<TlsWire>(old); }

} // namespace ringfort::sim
