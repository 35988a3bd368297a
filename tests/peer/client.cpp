#include "tests/peer/client.hpp"

#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ringfort/check.hpp>

namespace ringfort::peer {

namespace {

void use_suites(SSL_CTX* context, const std::string& suites) {
  if (suites.empty()) return;
  if (suites.starts_with("TLS_")) {
    RINGFORT_CHECK(SSL_CTX_set_ciphersuites(context, suites.c_str()) == 1);
  } else {
    RINGFORT_CHECK(SSL_CTX_set_cipher_list(context, suites.c_str()) == 1);
  }
}

void trust(SSL_CTX* context, const std::string& pem) {
  const BioOwner memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const CertificateOwner certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  RINGFORT_CHECK(certificate != nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

void show(SSL_CTX* context, const tls::Identity& identity) {
  const BioOwner key_text(
      BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size())));
  const KeyOwner key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  const BioOwner chain(
      BIO_new_mem_buf(identity.chain_pem.data(), static_cast<int>(identity.chain_pem.size())));
  const CertificateOwner leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  RINGFORT_CHECK(SSL_CTX_use_certificate(context, leaf.get()) == 1 &&
                 SSL_CTX_use_PrivateKey(context, key.get()) == 1);
  while (const CertificateOwner issuer{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    RINGFORT_CHECK(SSL_CTX_add1_chain_cert(context, issuer.get()) == 1);
  }
  ERR_clear_error();
}

} // namespace

Client::Client(const ClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* context = context_.get();
  // Old versions are to be refused by the server, not by the distribution's policy.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, options.version_min);
  SSL_CTX_set_max_proto_version(context, options.version_max);
  use_suites(context, options.suites);
  if (!options.groups.empty()) SSL_CTX_set1_groups_list(context, options.groups.c_str());
  if (!options.signatures.empty()) SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str());
  if (!options.trusted_pem.empty()) trust(context, options.trusted_pem);
  if (options.identity != nullptr) show(context, *options.identity);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);

  ssl_.reset(SSL_new(context));
  SSL* ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl);
  if (!options.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
    SSL_set1_host(ssl, options.server_name.c_str());
  }
  std::string protocols;
  for (const std::string& name : options.protocols) {
    protocols += static_cast<char>(name.size()) + name;
  }
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));
  if (options.session != nullptr) {
    // A copy: OpenSSL marks what it has used in TLS 1.3, and would not offer it a second time.
    const SslSessionOwner offered(SSL_SESSION_dup(options.session));
    SSL_set_session(ssl, offered.get());
  }
  move_on();
}

int Client::on_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<Client*>(SSL_get_app_data(ssl))->sessions_.emplace_back(session);
  return 1; // Kept.
}

void Client::deliver(Bytes bytes) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  move_on();
}

void Client::move_on() {
  if (failure_.empty() && !secured()) check(SSL_do_handshake(ssl_.get()));
  std::array<char, 16'384> memory;
  while (failure_.empty() && secured()) {
    const int bytes = SSL_read(ssl_.get(), memory.data(), memory.size());
    if (bytes <= 0) return check(bytes);
    received_.append(memory.data(), static_cast<std::size_t>(bytes));
  }
}

std::string Client::take_outgoing() {
  std::string outgoing;
  std::array<char, 16'384> memory;
  BIO* bio = SSL_get_wbio(ssl_.get());
  for (int bytes = 0; (bytes = BIO_read(bio, memory.data(), memory.size())) > 0;) {
    outgoing.append(memory.data(), static_cast<std::size_t>(bytes));
  }
  return outgoing;
}

void Client::write(std::string_view text) {
  check(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())));
}

void Client::update_keys(bool answered) {
  check(SSL_key_update(ssl_.get(),
                       answered ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED));
  check(SSL_do_handshake(ssl_.get()));
}

void Client::renegotiate() {
  check(SSL_renegotiate(ssl_.get()));
  check(SSL_do_handshake(ssl_.get()));
}

std::string Client::server_subject() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  std::array<char, 256> name{};
  if (certificate == nullptr) return {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

void Client::close() { (void)SSL_shutdown(ssl_.get()); }

void Client::check(int result) {
  if (result > 0) return;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  failure_ = reason == nullptr ? "error " + std::to_string(error) : reason;
  ERR_clear_error();
}

} // namespace ringfort::peer
