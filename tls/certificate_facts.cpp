#include "tls/certificate_facts.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

using NamesOwner = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

std::string text_of_name(const X509_NAME* name) {
  const BioOwner memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

std::string text_of_address(const ASN1_OCTET_STRING* address) {
  const std::unique_ptr<char, decltype([](char* text) { OPENSSL_free(text); })> text(
      i2s_ASN1_OCTET_STRING(nullptr, address)); // "7F:00:00:01"
  const int bytes = ASN1_STRING_length(address);
  const unsigned char* at = ASN1_STRING_get0_data(address);
  if (bytes != 4) return text == nullptr ? std::string() : std::string(text.get());
  std::string dotted;
  for (int index = 0; index < bytes; ++index) {
    dotted.append(index == 0 ? "" : ".").append(std::to_string(at[index]));
  }
  return dotted;
}

std::string text_of(const ASN1_IA5STRING* string) {
  const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  return {text, static_cast<std::size_t>(ASN1_STRING_length(string))};
}

void add_names(const X509* certificate, CertificateFacts& facts, std::size_t names_max) {
  const NamesOwner names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const auto present = static_cast<std::size_t>(std::max(sk_GENERAL_NAME_num(names.get()), 0));
  const int count = static_cast<int>(std::min(present, names_max));
  for (int index = 0; index < count; ++index) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), index);
    switch (name->type) {
    case GEN_DNS: facts.names.push_back(text_of(name->d.dNSName)); break;
    case GEN_IPADD: facts.names.push_back(text_of_address(name->d.iPAddress)); break;
    case GEN_EMAIL: facts.mail_addresses.push_back(text_of(name->d.rfc822Name)); break;
    case GEN_URI: facts.uris.push_back(text_of(name->d.uniformResourceIdentifier)); break;
    default: break;
    }
  }
}

std::string text_of_key(EVP_PKEY* key) {
  const char* name = key == nullptr ? nullptr : EVP_PKEY_get0_type_name(key);
  if (name == nullptr) return "unknown";
  const std::string type = name;
  if (type == "RSA") return "RSA " + std::to_string(EVP_PKEY_get_bits(key));
  std::array<char, 64> group{};
  std::size_t bytes = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &bytes) != 1) return type;
  const char* known = EC_curve_nid2nist(OBJ_sn2nid(group.data()));
  return type + ' ' + (known != nullptr ? known : group.data());
}

std::string fingerprint_of(const X509* certificate) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned bytes = 0;
  std::string text;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &bytes) != 1) return text;
  for (unsigned index = 0; index < bytes; ++index) {
    text += digits[digest[index] >> 4];
    text += digits[digest[index] & 15];
  }
  return text;
}

/// The names that Node and many others after it give OpenSSL's reasons.
std::string_view alias_of(int reason) noexcept {
  switch (reason) {
  case X509_V_OK: return "";
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT: return "UNABLE_TO_GET_ISSUER_CERT";
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "DEPTH_ZERO_SELF_SIGNED_CERT";
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "SELF_SIGNED_CERT_IN_CHAIN";
  case X509_V_ERR_CERT_HAS_EXPIRED: return "CERT_HAS_EXPIRED";
  case X509_V_ERR_CERT_NOT_YET_VALID: return "CERT_NOT_YET_VALID";
  case X509_V_ERR_CERT_SIGNATURE_FAILURE: return "CERT_SIGNATURE_FAILURE";
  case X509_V_ERR_INVALID_CA: return "INVALID_CA";
  case X509_V_ERR_CERT_REVOKED: return "CERT_REVOKED";
  case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "CERT_CHAIN_TOO_LONG";
  case X509_V_ERR_UNABLE_TO_GET_CRL: return "UNABLE_TO_GET_CRL";
  case X509_V_ERR_CRL_HAS_EXPIRED: return "CRL_HAS_EXPIRED";
  case X509_V_ERR_CRL_NOT_YET_VALID: return "CRL_NOT_YET_VALID";
  case X509_V_ERR_CRL_SIGNATURE_FAILURE: return "CRL_SIGNATURE_FAILURE";
  case X509_V_ERR_INVALID_PURPOSE: return "INVALID_PURPOSE";
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return "ERR_TLS_CERT_ALTNAME_INVALID";
  default: return "CERT_UNTRUSTED";
  }
}

} // namespace

std::int64_t unix_seconds(const asn1_string_st* time) {
  std::tm broken_down{};
  return ASN1_TIME_to_tm(time, &broken_down) == 1 ? ::timegm(&broken_down) : 0;
}

CertificateFacts facts_of(const x509_st* certificate, std::size_t names_max) {
  CertificateFacts facts{.subject = text_of_name(X509_get_subject_name(certificate)),
                         .issuer = text_of_name(X509_get_issuer_name(certificate)),
                         .not_before_unix_s = unix_seconds(X509_get0_notBefore(certificate)),
                         .not_after_unix_s = unix_seconds(X509_get0_notAfter(certificate)),
                         .key = text_of_key(X509_get0_pubkey(certificate)),
                         .signature = OBJ_nid2sn(X509_get_signature_nid(certificate)),
                         .fingerprint = fingerprint_of(certificate)};
  add_names(certificate, facts, names_max);
  return facts;
}

Verdict verdict_of(int reason) {
  return {.accepts = reason == X509_V_OK,
          .text = X509_verify_cert_error_string(reason),
          .alias = std::string(alias_of(reason))};
}

} // namespace ringfort::tls
