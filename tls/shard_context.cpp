#include "tls/shard_context.hpp"

#include <array>
#include <string>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/sslerr.h>

#include "tls/context.hpp"
#include "tls/identity.hpp"
#include "tls/policy.hpp"
#include "tls/session.hpp"

namespace ringfort::tls {

struct ShardContext::Parts {
  LibraryContextOwner library;
  SslContextOwner ssl_context;
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> bio_method{nullptr, nullptr};
  std::array<CipherOwner, 3> ciphers;
  KdfOwner hkdf;
  KdfOwner prf;
};

namespace {

Code code_of_refusal() noexcept {
  switch (ERR_GET_REASON(ERR_peek_error())) {
  case SSL_R_EE_KEY_TOO_SMALL:
  case SSL_R_CA_KEY_TOO_SMALL:
  case SSL_R_CA_MD_TOO_WEAK: return Code::tls_context_too_weak;
  default: return Code::tls_context_key_unusable;
  }
}

Result<> use_identity(OSSL_LIB_CTX* library, SSL_CTX* context, const Identity& identity) {
  auto parsed = parse_identity(library, identity);
  if (!parsed) return std::unexpected(parsed.error());
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, parsed->leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, parsed->key.get()) != 1) {
    return fail(code_of_refusal());
  }
  for (CertificateOwner& issuer : parsed->issuers) {
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) return fail(code_of_refusal());
    (void)issuer.release(); // The context owns it now.
  }
  return {};
}

Result<> use_tickets(SSL_CTX* context, const Context::Description& description) {
  static constexpr unsigned char session_context[] = "ringfort";
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
  auto keys = description.ticket_keys; // OpenSSL's macro wants it writable.
  if (SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size()) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  return {};
}

} // namespace

ShardContext::ShardContext(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
ShardContext::~ShardContext() = default;

Result<std::unique_ptr<ShardContext>> ShardContext::create(const Context& context) {
  const ErrorQueueGuard guard;
  auto parts = std::make_unique<Parts>();
  parts->library.reset(OSSL_LIB_CTX_new());
  OSSL_LIB_CTX* library = parts->library.get();
  parts->ssl_context.reset(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
  parts->bio_method = Session::make_bio_method();
  parts->ciphers = {CipherOwner(EVP_CIPHER_fetch(library, "AES-128-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(library, "AES-256-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(library, "ChaCha20-Poly1305", nullptr))};
  parts->hkdf.reset(EVP_KDF_fetch(library, OSSL_KDF_NAME_HKDF, nullptr));
  parts->prf.reset(EVP_KDF_fetch(library, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const bool made = parts->ssl_context && parts->bio_method && parts->ciphers[0] &&
                    parts->ciphers[1] && parts->ciphers[2] && parts->hkdf && parts->prf;
  if (!made) return fail(Code::tls_context_no_memory);
  SSL_CTX* ssl_context = parts->ssl_context.get();
  if (auto used = use_policy(ssl_context, context.options()); !used) {
    return std::unexpected(used.error());
  }
  if (auto used = use_tickets(ssl_context, context.description()); !used) {
    return std::unexpected(used.error());
  }
  Session::observe(ssl_context);
  for (const Identity& identity : context.options().identities) {
    if (auto used = use_identity(library, ssl_context, identity); !used) {
      return std::unexpected(used.error());
    }
  }
  return std::unique_ptr<ShardContext>(new ShardContext(std::move(parts)));
}

ssl_ctx_st* ShardContext::ssl_context() const noexcept { return parts_->ssl_context.get(); }
bio_method_st* ShardContext::bio_method() const noexcept { return parts_->bio_method.get(); }

evp_cipher_st* ShardContext::cipher(Aead aead) const noexcept {
  return parts_->ciphers[static_cast<std::size_t>(aead)].get();
}

namespace {

OSSL_PARAM octets(const char* name, Bytes bytes) noexcept {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                           bytes.size());
}

OSSL_PARAM digest(const Suite& suite) noexcept {
  return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(suite.hash), 0);
}

bool derive(EVP_KDF* kdf, const OSSL_PARAM* parameters, MutableBytes out) noexcept {
  const KdfContextOwner context(EVP_KDF_CTX_new(kdf));
  return context != nullptr &&
         EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                        parameters) == 1;
}

} // namespace

bool ShardContext::expand_label(const Suite& suite, Bytes secret, std::string_view label,
                                MutableBytes out) const noexcept {
  constexpr std::string_view prefix = "tls13 ";
  std::array<std::byte, 64> info;
  const std::size_t label_bytes = prefix.size() + label.size();
  if (label_bytes + 4 > info.size()) return false;
  info[0] = static_cast<std::byte>(out.size() >> 8);
  info[1] = static_cast<std::byte>(out.size());
  info[2] = static_cast<std::byte>(label_bytes);
  MutableBytes rest = copy_into(MutableBytes(info).subspan(3), bytes_of(prefix));
  rest = copy_into(rest, bytes_of(label));
  rest.front() = std::byte{0}; // An empty context.
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                   digest(suite), octets(OSSL_KDF_PARAM_KEY, secret),
                                   octets(OSSL_KDF_PARAM_INFO, Bytes(info).first(label_bytes + 4)),
                                   OSSL_PARAM_construct_end()};
  return derive(parts_->hkdf.get(), parameters, out);
}

bool ShardContext::prf(const Suite& suite, Bytes secret, std::string_view label, Bytes seed,
                       MutableBytes out) const noexcept {
  const OSSL_PARAM parameters[] = {digest(suite), octets(OSSL_KDF_PARAM_SECRET, secret),
                                   octets(OSSL_KDF_PARAM_SEED, bytes_of(label)),
                                   octets(OSSL_KDF_PARAM_SEED, seed), OSSL_PARAM_construct_end()};
  return derive(parts_->prf.get(), parameters, out);
}

} // namespace ringfort::tls
