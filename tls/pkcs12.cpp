// PKCS#12 containers (RFC 7292) as identities.
#include <openssl/pkcs12.h>

#include "tls/identity.hpp"

namespace ringfort::tls {

namespace {

using ContainerOwner = std::unique_ptr<PKCS12, Freer<PKCS12_free>>;

struct StackFreer {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};

/// The empty pass phrase has two encodings, and containers with either are about.
bool opens(PKCS12* container, const std::string& pass_phrase) {
  const auto bytes = static_cast<int>(pass_phrase.size());
  return PKCS12_verify_mac(container, pass_phrase.c_str(), bytes) == 1 ||
         (pass_phrase.empty() && PKCS12_verify_mac(container, nullptr, 0) == 1);
}

} // namespace

Result<Identity> identity_of_pkcs12(Bytes container, const std::string& pass_phrase) {
  const ErrorQueueGuard guard;
  const auto* at = reinterpret_cast<const unsigned char*>(container.data());
  const ContainerOwner parsed(d2i_PKCS12(nullptr, &at, static_cast<long>(container.size())));
  if (parsed == nullptr) return fail(Code::tls_context_not_pkcs12);
  if (PKCS12_mac_present(parsed.get()) == 1 && !opens(parsed.get(), pass_phrase)) {
    return fail(pass_phrase.empty() ? Code::tls_context_no_pass_phrase
                                    : Code::tls_context_wrong_pass_phrase);
  }
  EVP_PKEY* key_read = nullptr;
  X509* leaf_read = nullptr;
  STACK_OF(X509)* others_read = nullptr;
  const int status =
      PKCS12_parse(parsed.get(), pass_phrase.c_str(), &key_read, &leaf_read, &others_read);
  const KeyOwner key(key_read);
  const CertificateOwner leaf(leaf_read);
  const std::unique_ptr<STACK_OF(X509), StackFreer> others(others_read);
  if (status != 1) return fail(Code::tls_context_not_pkcs12);
  if (key == nullptr) return fail(Code::tls_context_pkcs12_without_key);
  if (leaf == nullptr) return fail(Code::tls_context_empty_identity);
  Identity identity{.chain_pem = pem_of(leaf.get()), .key_pem = pem_of(key.get())};
  for (int index = 0; index < sk_X509_num(others.get()); ++index) {
    identity.chain_pem += pem_of(sk_X509_value(others.get(), index));
  }
  return identity;
}

} // namespace ringfort::tls
