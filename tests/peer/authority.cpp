#include "tests/peer/authority.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ringfort/check.hpp>

#include "tls/identity.hpp"

namespace ringfort::peer {

namespace {

constexpr long day_s = 86'400;

void add_extension(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  RINGFORT_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

CertificateOwner make_unsigned(const std::string& subject, EVP_PKEY* key, const Issue& issue) {
  CertificateOwner made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  std::uint32_t serial = 0;
  RINGFORT_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), issue.begins_days * day_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), issue.ends_days * day_s);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.data()),
                             static_cast<int>(subject.size()), -1, 0);
  return made;
}

CertificateOwner parsed(const std::string& pem) {
  const BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificateOwner certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  RINGFORT_CHECK(certificate != nullptr);
  return certificate;
}

} // namespace

Authority::Authority(const std::string& name) : key_(EVP_EC_gen("P-256")) { sign_own(name, *this); }

Authority::Authority(const std::string& name, const Authority& parent) : key_(EVP_EC_gen("P-256")) {
  sign_own(name, parent);
}

void Authority::sign_own(const std::string& name, const Authority& issuer) {
  certificate_ = make_unsigned(name, key_.get(), {});
  const X509* above = issuer.certificate_.get();
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(above));
  add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  RINGFORT_CHECK(X509_sign(certificate_.get(), issuer.key_.get(), EVP_sha256()) > 0);
  pem_ = tls::pem_of(certificate_.get());
}

tls::Identity Authority::issue(const Issue& issue) const {
  const KeyOwner key = make_key(issue.type);
  const CertificateOwner leaf = make_unsigned(issue.subject, key.get(), issue);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(certificate_.get()));
  add_extension(leaf.get(), NID_subject_alt_name, issue.names);
  add_extension(leaf.get(), NID_ext_key_usage, issue.purpose);
  RINGFORT_CHECK(X509_sign(leaf.get(), key_.get(), EVP_sha256()) > 0);
  tls::Identity identity;
  identity.chain_pem = tls::pem_of(leaf.get());
  identity.key_pem = tls::pem_of(key.get());
  return identity;
}

std::string Authority::revoke(std::initializer_list<const tls::Identity*> revoked,
                              int ends_days) const {
  const std::unique_ptr<X509_CRL, tls::Freer<X509_CRL_free>> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
  const std::unique_ptr<ASN1_TIME, tls::Freer<ASN1_TIME_free>> time(ASN1_TIME_new());
  X509_gmtime_adj(time.get(), -2 * day_s);
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  for (const tls::Identity* identity : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(parsed(identity->chain_pem).get()));
    X509_REVOKED_set_revocationDate(entry, time.get());
    RINGFORT_CHECK(X509_CRL_add0_revoked(list.get(), entry) == 1);
  }
  X509_gmtime_adj(time.get(), ends_days * day_s);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  RINGFORT_CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  return written_by([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

} // namespace ringfort::peer
