// The certificate doctor: facts, findings and a client's verdict.
#include <array>
#include <ctime>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ringfort/certificate.hpp>

#include "tls/identity.hpp"

namespace ringfort::tls {

namespace {

using StoreOwner = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextOwner = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using NamesOwner = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

std::string text_of_name(const X509_NAME* name) {
  const BioOwner memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

std::int64_t unix_seconds(const ASN1_TIME* time) {
  std::tm broken_down{};
  return ASN1_TIME_to_tm(time, &broken_down) == 1 ? ::timegm(&broken_down) : 0;
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

std::vector<std::string> names_of(const X509* certificate) {
  const NamesOwner names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  for (int index = 0; index < sk_GENERAL_NAME_num(names.get()); ++index) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), index);
    if (name->type == GEN_DNS) {
      const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      texts.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      texts.push_back(text_of_address(name->d.iPAddress));
    }
  }
  return texts;
}

std::string text_of_key(EVP_PKEY* key) {
  const std::string type = EVP_PKEY_get0_type_name(key);
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

CertificateFacts facts_of(const X509* certificate) {
  return {.subject = text_of_name(X509_get_subject_name(certificate)),
          .issuer = text_of_name(X509_get_issuer_name(certificate)),
          .names = names_of(certificate),
          .not_before_unix_s = unix_seconds(X509_get0_notBefore(certificate)),
          .not_after_unix_s = unix_seconds(X509_get0_notAfter(certificate)),
          .key = text_of_key(X509_get0_pubkey(certificate)),
          .signature = OBJ_nid2sn(X509_get_signature_nid(certificate)),
          .fingerprint = fingerprint_of(certificate)};
}

bool is_address(const std::string& name) {
  const std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>> address(
      a2i_IPADDRESS(name.c_str()));
  return address != nullptr;
}

bool covers(X509* leaf, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(leaf, name.c_str(), 0) == 1;
  return X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
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
  case X509_V_ERR_INVALID_PURPOSE: return "INVALID_PURPOSE";
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return "ERR_TLS_CERT_ALTNAME_INVALID";
  default: return "CERT_UNTRUSTED";
  }
}

Result<StoreOwner> make_store(const std::string& authorities_pem) {
  StoreOwner store(X509_STORE_new());
  if (store == nullptr) return fail(Code::tls_context_no_memory);
  if (authorities_pem.empty()) {
    X509_STORE_set_default_paths(store.get());
    return store;
  }
  const auto authorities = parse_certificates(nullptr, authorities_pem);
  if (!authorities || authorities->empty()) return fail(Code::tls_context_junk_authority);
  for (const CertificateOwner& authority : *authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  return store;
}

Result<Verdict> judge(const ParsedIdentity& identity, const std::string& name,
                      const std::string& authorities_pem) {
  const auto store = make_store(authorities_pem);
  if (!store) return std::unexpected(store.error());
  const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * sent) { sk_X509_free(sent); })>
      sent(sk_X509_new_null());
  for (const CertificateOwner& issuer : identity.issuers) sk_X509_push(sent.get(), issuer.get());
  const StoreContextOwner context(X509_STORE_CTX_new());
  if (context == nullptr || sent == nullptr ||
      X509_STORE_CTX_init(context.get(), store->get(), identity.leaf.get(), sent.get()) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* terms = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_hostflags(terms, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(terms, name.c_str());
  } else if (!name.empty()) {
    X509_VERIFY_PARAM_set1_host(terms, name.data(), name.size());
  }
  const bool accepts = X509_verify_cert(context.get()) == 1;
  const int reason = accepts ? X509_V_OK : X509_STORE_CTX_get_error(context.get());
  return Verdict{.accepts = accepts,
                 .text = X509_verify_cert_error_string(reason),
                 .alias = std::string(alias_of(reason))};
}

} // namespace

Result<Diagnosis> diagnose(const Identity& identity, const std::string& name,
                           const std::string& authorities_pem) {
  const ErrorQueueGuard guard;
  ContextOptions options;
  options.identities.push_back(identity);
  const auto context = Context::create(std::move(options));
  if (!context) return std::unexpected(context.error());
  const auto parsed = parse_identity(nullptr, context->options().identities.front());
  if (!parsed) return std::unexpected(parsed.error());
  Diagnosis diagnosis;
  diagnosis.chain.push_back(facts_of(parsed->leaf.get()));
  for (const CertificateOwner& issuer : parsed->issuers) {
    diagnosis.chain.push_back(facts_of(issuer.get()));
  }
  diagnosis.findings.assign(context->warnings().begin(), context->warnings().end());
  if (!name.empty() && !covers(parsed->leaf.get(), name)) {
    diagnosis.findings.push_back({.code = Code::tls_context_name_not_covered});
  }
  auto verdict = judge(*parsed, name, authorities_pem);
  if (!verdict) return std::unexpected(verdict.error());
  diagnosis.verdict = std::move(*verdict);
  return diagnosis;
}

} // namespace ringfort::tls
