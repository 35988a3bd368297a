#include "tests/peer/identity.hpp"

#include <utility>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ringfort/check.hpp>

#include "tls/identity.hpp"

namespace ringfort::peer {

namespace {

void add_entry(X509_NAME* name, const char* text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text),
                             -1, -1, 0);
}

void add_names(X509* leaf, const std::string& name) {
  const std::string text = "DNS:" + name + ",IP:127.0.0.1";
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
  RINGFORT_CHECK(names != nullptr && X509_add_ext(leaf, names, -1) == 1);
  X509_EXTENSION_free(names);
}

CertificateOwner make_unsigned(const char* subject, const char* issuer, EVP_PKEY* key,
                               const Terms& terms) {
  constexpr long day_seconds = 86'400;
  CertificateOwner made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), terms.begins_days * day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), terms.ends_days * day_seconds + 60);
  X509_set_pubkey(made.get(), key);
  add_entry(X509_get_subject_name(made.get()), subject);
  const std::unique_ptr<X509_NAME, tls::Freer<X509_NAME_free>> name(X509_NAME_new());
  add_entry(name.get(), issuer);
  X509_set_issuer_name(made.get(), name.get());
  return made;
}

void sign(X509* certificate, EVP_PKEY* key) {
  const bool own_digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  RINGFORT_CHECK(X509_sign(certificate, key, own_digest ? nullptr : EVP_sha256()) > 0);
}

template <class T, class Read>
T read_pem(const std::string& pem, Read read) {
  const BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  T value(read(bio.get(), nullptr, nullptr, nullptr));
  RINGFORT_CHECK(value != nullptr);
  return value;
}

} // namespace

KeyOwner make_key(KeyType type) {
  switch (type) {
  case KeyType::rsa_2048: return KeyOwner(EVP_RSA_gen(2048));
  case KeyType::rsa_1024: return KeyOwner(EVP_RSA_gen(1024));
  case KeyType::ecdsa_p384: return KeyOwner(EVP_EC_gen("P-384"));
  case KeyType::ed25519: return KeyOwner(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  case KeyType::ecdsa_p256: break;
  }
  return KeyOwner(EVP_EC_gen("P-256"));
}

tls::Identity make_identity(KeyType type) { return make_identity(Terms{.type = type}); }

tls::Identity make_identity(const Terms& terms) {
  const KeyOwner key = make_key(terms.type);
  const char* name = terms.name.c_str();
  const char* issuer = terms.issued ? "authority" : name;
  const CertificateOwner leaf = make_unsigned(name, issuer, key.get(), terms);
  add_names(leaf.get(), terms.name);
  tls::Identity identity;
  identity.key_pem = tls::pem_of(key.get());
  if (!terms.issued) {
    sign(leaf.get(), key.get());
    identity.chain_pem = tls::pem_of(leaf.get());
    return identity;
  }
  const KeyOwner authority_key = make_key(KeyType::ecdsa_p256);
  const CertificateOwner authority =
      make_unsigned("authority", "authority", authority_key.get(), {});
  sign(authority.get(), authority_key.get());
  sign(leaf.get(), authority_key.get());
  identity.chain_pem = tls::pem_of(leaf.get()) + tls::pem_of(authority.get());
  return identity;
}

std::string encrypted_key(const tls::Identity& identity, const std::string& pass_phrase) {
  const auto key = read_pem<KeyOwner>(identity.key_pem, PEM_read_bio_PrivateKey);
  return written_by([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_256_cbc(), pass_phrase.data(),
                                         static_cast<int>(pass_phrase.size()), nullptr, nullptr);
  });
}

std::string pkcs12_of(const tls::Identity& identity, const std::string& pass_phrase,
                      Without without) {
  const auto key = read_pem<KeyOwner>(identity.key_pem, PEM_read_bio_PrivateKey);
  const auto leaf = read_pem<CertificateOwner>(identity.chain_pem, PEM_read_bio_X509);
  PKCS12* made = PKCS12_create(
      pass_phrase.c_str(), "test", without == Without::key ? nullptr : key.get(),
      without == Without::certificates ? nullptr : leaf.get(), nullptr, 0, 0, 0, 0, 0);
  RINGFORT_CHECK(made != nullptr);
  std::string container = written_by([=](BIO* out) { return i2d_PKCS12_bio(out, made); });
  PKCS12_free(made);
  return container;
}

tls::Context make_context(std::initializer_list<KeyType> types, tls::ContextOptions options) {
  for (const KeyType type : types) options.identities.push_back(make_identity(type));
  auto context = tls::Context::create(std::move(options));
  RINGFORT_CHECK(context.has_value());
  return *context;
}

} // namespace ringfort::peer
