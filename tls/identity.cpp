#include "tls/identity.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>

#include "tls/certificate_facts.hpp"

namespace ringfort::tls {

namespace {

/// Without a callback OpenSSL would ask for a pass phrase on the terminal.
struct PassPhrase {
  const std::string& text;
  bool wanted = false;

  static int answer(char* out, int bytes_max, int, void* self_pointer) noexcept {
    auto& self = *static_cast<PassPhrase*>(self_pointer);
    self.wanted = true;
    if (self.text.size() > static_cast<std::size_t>(bytes_max)) return -1;
    std::memcpy(out, self.text.data(), self.text.size());
    return static_cast<int>(self.text.size());
  }
};

BioOwner reader_of(const std::string& text) {
  return BioOwner(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <class Write>
std::string written_by(Write write) {
  const BioOwner memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr || write(memory.get()) != 1) return {};
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

Result<KeyOwner> parse_key(OSSL_LIB_CTX* library, const Identity& identity) {
  PassPhrase phrase{identity.pass_phrase};
  const BioOwner bio = reader_of(identity.key_pem);
  KeyOwner key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, PassPhrase::answer, &phrase, library,
                                          nullptr));
  if (key != nullptr) return key;
  if (!phrase.wanted) return fail(Code::tls_context_key_unusable);
  return fail(identity.pass_phrase.empty() ? Code::tls_context_no_pass_phrase
                                           : Code::tls_context_wrong_pass_phrase);
}

bool self_issued(const X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

} // namespace

Result<std::vector<CertificateOwner>> parse_certificates(OSSL_LIB_CTX* library,
                                                         const std::string& pem) {
  const std::string none;
  PassPhrase phrase{none};
  const BioOwner bio = reader_of(pem);
  std::vector<CertificateOwner> certificates;
  while (true) {
    X509* read = X509_new_ex(library, nullptr);
    ERR_clear_error();
    if (PEM_read_bio_X509(bio.get(), &read, PassPhrase::answer, &phrase) == nullptr) {
      X509_free(read);
      const bool over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      if (!over) return fail(Code::tls_context_not_pem);
      return certificates;
    }
    certificates.emplace_back(read);
  }
}

Result<ParsedIdentity> parse_identity(OSSL_LIB_CTX* library, const Identity& identity) {
  if (identity.chain_pem.empty() || identity.key_pem.empty()) {
    return fail(Code::tls_context_empty_identity);
  }
  auto chain = parse_certificates(library, identity.chain_pem);
  if (!chain) return std::unexpected(chain.error());
  if (chain->empty()) return fail(Code::tls_context_not_pem);
  auto key = parse_key(library, identity);
  if (!key) return std::unexpected(key.error());
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    return fail(Code::tls_context_key_mismatch);
  }
  ParsedIdentity parsed{.leaf = std::move(chain->front()), .issuers = {}, .key = std::move(*key)};
  std::move(chain->begin() + 1, chain->end(), std::back_inserter(parsed.issuers));
  return parsed;
}

void forget_pass_phrase(Identity& identity, EVP_PKEY* key) {
  if (identity.pass_phrase.empty()) return;
  identity.key_pem = pem_of(key);
  OPENSSL_cleanse(identity.pass_phrase.data(), identity.pass_phrase.size());
  identity.pass_phrase.clear();
}

std::vector<Error> warnings_of(const ParsedIdentity& identity, std::time_t now) {
  constexpr int soon_days = 30;
  std::vector<Error> warnings;
  X509* leaf = identity.leaf.get();
  const ASN1_TIME* end = X509_get0_notAfter(leaf);
  if (X509_cmp_time(X509_get0_notBefore(leaf), &now) > 0) {
    warnings.push_back({.code = Code::tls_context_not_yet_valid});
  } else if (X509_cmp_time(end, &now) < 0) {
    warnings.push_back({.code = Code::tls_context_expired});
  } else {
    const std::unique_ptr<ASN1_TIME, Freer<ASN1_TIME_free>> today(ASN1_TIME_set(nullptr, now));
    int days = 0;
    int seconds = 0;
    const bool told = ASN1_TIME_diff(&days, &seconds, today.get(), end) == 1;
    if (told && days < soon_days) {
      warnings.push_back({.code = Code::tls_context_expires_soon, .detail = days});
    }
  }
  if (identity.issuers.empty() && !self_issued(leaf)) {
    warnings.push_back({.code = Code::tls_context_chain_incomplete});
  }
  return warnings;
}

std::int64_t expiry_of(const ParsedIdentity& identity) {
  std::int64_t first = unix_seconds(X509_get0_notAfter(identity.leaf.get()));
  for (const CertificateOwner& issuer : identity.issuers) {
    first = std::min(first, unix_seconds(X509_get0_notAfter(issuer.get())));
  }
  return first;
}

std::string pem_of(X509* certificate) {
  return written_by([=](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return written_by([=](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

} // namespace ringfort::tls
