// The certificate doctor: findings and a client's verdict.

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ringfort/certificate.hpp>

#include "tls/authorities.hpp"
#include "tls/certificate_facts.hpp"
#include "tls/identity.hpp"

namespace ringfort::tls {

namespace {

using StoreOwner = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextOwner = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;

bool is_address(const std::string& name) {
  const std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>> address(
      a2i_IPADDRESS(name.c_str()));
  return address != nullptr;
}

bool names_host(X509* leaf, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(leaf, name.c_str(), 0) == 1;
  return X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

Result<StoreOwner> make_store(const std::string& authorities_pem) {
  StoreOwner store(X509_STORE_new());
  if (store == nullptr) return fail(Code::tls_context_no_memory);
  if (authorities_pem.empty()) {
    X509_STORE_set_default_paths(store.get());
    return store;
  }
  const auto added = add_authorities(nullptr, store.get(), authorities_pem);
  if (!added) return std::unexpected(added.error());
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
  return verdict_of(reason);
}

} // namespace

Result<bool> covers(std::string_view chain_pem, std::string_view name) {
  const ErrorQueueGuard guard;
  const auto chain = parse_certificates(nullptr, std::string(chain_pem));
  if (!chain) return std::unexpected(chain.error());
  if (chain->empty()) return fail(Code::tls_context_not_pem);
  return names_host(chain->front().get(), std::string(name));
}

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
  if (!name.empty() && !names_host(parsed->leaf.get(), name)) {
    diagnosis.findings.push_back({.code = Code::tls_context_name_not_covered});
  }
  auto verdict = judge(*parsed, name, authorities_pem);
  if (!verdict) return std::unexpected(verdict.error());
  diagnosis.verdict = std::move(*verdict);
  return diagnosis;
}

} // namespace ringfort::tls
