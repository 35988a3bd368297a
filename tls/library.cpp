#include "tls/library.hpp"

#include <array>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/openssl.hpp"
#include "tls/session.hpp"

namespace ringfort::tls {

struct Library::Parts {
  LibraryContextOwner context;
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> bio_method{nullptr, nullptr};
  std::array<CipherOwner, 3> ciphers;
  CipherOwner ticket_cipher;
  Provider provider;
  KdfOwner prf;
};

Library::Library(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Library::~Library() = default;

Result<std::unique_ptr<Library>> Library::create() {
  const ErrorQueueGuard guard;
  auto parts = std::make_unique<Parts>();
  parts->context.reset(OSSL_LIB_CTX_new());
  OSSL_LIB_CTX* context = parts->context.get();
  if (context == nullptr) return fail(Code::tls_context_no_memory);
  auto provider = Provider::install(context);
  if (!provider) return std::unexpected(provider.error());
  parts->provider = std::move(*provider);
  parts->bio_method = Session::make_bio_method();
  parts->ciphers = {CipherOwner(EVP_CIPHER_fetch(context, "AES-128-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(context, "AES-256-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(context, "ChaCha20-Poly1305", nullptr))};
  parts->ticket_cipher.reset(EVP_CIPHER_fetch(context, "AES-256-CBC", nullptr));
  parts->prf.reset(EVP_KDF_fetch(context, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const bool made = parts->bio_method && parts->ciphers[0] && parts->ciphers[1] &&
                    parts->ciphers[2] && parts->ticket_cipher && parts->prf;
  if (!made) return fail(Code::tls_context_no_memory);
  return std::unique_ptr<Library>(new Library(std::move(parts)));
}

ossl_lib_ctx_st* Library::context() const noexcept { return parts_->context.get(); }
bio_method_st* Library::bio_method() const noexcept { return parts_->bio_method.get(); }

evp_cipher_st* Library::cipher(Aead aead) const noexcept {
  return parts_->ciphers[static_cast<std::size_t>(aead)].get();
}

evp_cipher_st* Library::ticket_cipher() const noexcept { return parts_->ticket_cipher.get(); }

namespace {

OSSL_PARAM octets(const char* name, Bytes bytes) noexcept {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                           bytes.size());
}

OSSL_PARAM digest(const char* name) noexcept {
  return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(name), 0);
}

} // namespace

KeySchedule& Library::key_schedule() const noexcept { return parts_->provider.key_schedule(); }

Hkdf& Library::hkdf(const Suite& suite) const noexcept { return *key_schedule().hkdf(suite.hash); }

bool Library::derive(Bytes secret, Bytes info, MutableBytes out) const noexcept {
  Hkdf& hkdf = *key_schedule().hkdf("SHA256");
  std::array<std::byte, 32> extracted;
  const WipeGuard wipe(extracted);
  const bool derived = hkdf.extract({}, secret, extracted) && hkdf.expand(extracted, info, out);
  hkdf.forget();
  return derived;
}

bool Library::prf(const Suite& suite, Bytes secret, std::string_view label, Bytes seed,
                  MutableBytes out) const noexcept {
  const OSSL_PARAM parameters[] = {digest(suite.hash), octets(OSSL_KDF_PARAM_SECRET, secret),
                                   octets(OSSL_KDF_PARAM_SEED, bytes_of(label)),
                                   octets(OSSL_KDF_PARAM_SEED, seed), OSSL_PARAM_construct_end()};
  const KdfContextOwner context(EVP_KDF_CTX_new(parts_->prf.get()));
  return context != nullptr && EVP_KDF_derive(context.get(), raw(out), out.size(), parameters) == 1;
}

} // namespace ringfort::tls
