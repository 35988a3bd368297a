#include "tests/peer/end.hpp"

#include <array>

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

End::End(const SSL_METHOD* method, const EndOptions& options) : context_(SSL_CTX_new(method)) {
  SSL_CTX* context = context_.get();
  // What is old or weak is to be refused by the other end, not by the distribution's policy.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, options.version_min);
  SSL_CTX_set_max_proto_version(context, options.version_max);
  use_suites(context, options.suites);
  if (!options.groups.empty()) SSL_CTX_set1_groups_list(context, options.groups.c_str());
  if (!options.signatures.empty()) SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str());
  if (!options.trusted_pem.empty()) trust(context, options.trusted_pem);
  if (options.identity != nullptr) show(context, *options.identity);
}

SSL* End::begin() {
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return ssl_.get();
}

void End::deliver(Bytes bytes) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  move_on();
}

void End::move_on() {
  if (failure_.empty() && !secured()) check(SSL_do_handshake(ssl_.get()));
  std::array<char, 16'384> memory;
  while (failure_.empty() && secured()) {
    const int bytes = SSL_read(ssl_.get(), memory.data(), memory.size());
    if (bytes <= 0) return check(bytes);
    received_.append(memory.data(), static_cast<std::size_t>(bytes));
  }
}

std::string End::take_outgoing() {
  std::string outgoing;
  std::array<char, 16'384> memory;
  BIO* bio = SSL_get_wbio(ssl_.get());
  for (int bytes = 0; (bytes = BIO_read(bio, memory.data(), memory.size())) > 0;) {
    outgoing.append(memory.data(), static_cast<std::size_t>(bytes));
  }
  return outgoing;
}

void End::write(std::string_view text) {
  check(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())));
}

void End::update_keys(bool answered) {
  check(SSL_key_update(ssl_.get(),
                       answered ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED));
  check(SSL_do_handshake(ssl_.get()));
}

void End::renegotiate() {
  check(SSL_renegotiate(ssl_.get()));
  check(SSL_do_handshake(ssl_.get()));
}

std::string End::peer_subject() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  std::array<char, 256> name{};
  if (certificate == nullptr) return {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

void End::close() { (void)SSL_shutdown(ssl_.get()); }

void End::check(int result) {
  if (result > 0) return;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  failure_ = reason == nullptr ? "error " + std::to_string(error) : reason;
  ERR_clear_error();
}

} // namespace ringfort::peer
