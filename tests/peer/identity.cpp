#include "tests/peer/identity.hpp"

#include <utility>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ringfort/check.hpp>

#include "tests/peer/openssl.hpp"

namespace ringfort::peer {

namespace {

template <class Write>
std::string pem_of(Write write) {
  const BioOwner memory(BIO_new(BIO_s_mem()));
  RINGFORT_CHECK(write(memory.get()) == 1);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

void name_subject(X509* leaf) {
  X509_NAME* name = X509_get_subject_name(leaf);
  const auto* text = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(leaf, name);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  RINGFORT_CHECK(names != nullptr && X509_add_ext(leaf, names, -1) == 1);
  X509_EXTENSION_free(names);
}

} // namespace

tls::Identity make_identity(KeyType type) {
  const KeyOwner key(type == KeyType::rsa_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const CertificateOwner leaf(X509_new());
  X509_set_version(leaf.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), 1);
  constexpr long day_seconds = 86'400;
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 365 * day_seconds);
  X509_set_pubkey(leaf.get(), key.get());
  name_subject(leaf.get());
  RINGFORT_CHECK(X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0);
  return {.chain_pem = pem_of([&](BIO* out) { return PEM_write_bio_X509(out, leaf.get()); }),
          .key_pem = pem_of([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

tls::Context make_context(std::initializer_list<KeyType> types, tls::ContextOptions options) {
  for (const KeyType type : types) options.identities.push_back(make_identity(type));
  auto context = tls::Context::create(std::move(options));
  RINGFORT_CHECK(context.has_value());
  return *context;
}

} // namespace ringfort::peer
