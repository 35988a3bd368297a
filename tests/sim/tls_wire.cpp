#include "tests/sim/tls_wire.hpp"

#include <array>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ringfort/check.hpp>

namespace ringfort::sim {

namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Free<SSL_free>>;

SSL_CTX* client_context() {
  static const Context context = [] {
    Context made(SSL_CTX_new(TLS_client_method()));
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

  Connection connection_;
  std::string waiting_;
  std::string outgoing_;
  std::string failure_;
  bool finishing_ = false;
  bool finished_ = false;
};

template <class Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, Free<BIO_free>> memory(BIO_new(BIO_s_mem()));
  RINGFORT_CHECK(write(memory.get()) == 1);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

} // namespace

std::unique_ptr<Wire> make_tls_wire(bool old) { return std::make_unique<TlsWire>(old); }

tls::Identity make_identity() {
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key(EVP_RSA_gen(2048));
  const std::unique_ptr<X509, Free<X509_free>> leaf(X509_new());
  X509_set_version(leaf.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), 1);
  constexpr long day_seconds = 86'400;
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 365 * day_seconds);
  X509_set_pubkey(leaf.get(), key.get());
  X509_NAME* name = X509_get_subject_name(leaf.get());
  const auto* text = reinterpret_cast<const unsigned char*>("sim.test");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(leaf.get(), name);
  RINGFORT_CHECK(X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0);
  return {.chain_pem = pem_of([&](BIO* out) { return PEM_write_bio_X509(out, leaf.get()); }),
          .key_pem = pem_of([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

} // namespace ringfort::sim
