#include "tls/library.hpp"

#include <array>
#include <optional>

#include "tls/base_aead.hpp"
#include "tls/openssl.hpp"
#include "tls/handshake.hpp"

namespace ringfort::tls {

struct Library::Parts {
  LibraryContextOwner context;
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> bio_method{nullptr, nullptr};
  std::array<CipherOwner, 3> ciphers;
  std::array<std::optional<BaseAead>, 3> aeads; ///< of these
  CipherOwner ticket_cipher;
  Provider provider;
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
  parts->bio_method = Handshake::make_bio_method();
  parts->ciphers = {CipherOwner(EVP_CIPHER_fetch(context, "AES-128-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(context, "AES-256-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(context, "ChaCha20-Poly1305", nullptr))};
  parts->ticket_cipher.reset(EVP_CIPHER_fetch(context, "AES-256-CBC", nullptr));
  const bool made = parts->bio_method && parts->ciphers[0] && parts->ciphers[1] &&
                    parts->ciphers[2] && parts->ticket_cipher;
  if (!made) return fail(Code::tls_context_no_memory);
  for (std::size_t index = 0; index < parts->ciphers.size(); ++index) {
    parts->aeads[index] = BaseAead::behind(parts->ciphers[index].get());
    if (!parts->aeads[index]) return fail(Code::tls_context_no_memory);
  }
  return std::unique_ptr<Library>(new Library(std::move(parts)));
}

ossl_lib_ctx_st* Library::context() const noexcept { return parts_->context.get(); }
bio_method_st* Library::bio_method() const noexcept { return parts_->bio_method.get(); }

const BaseAead& Library::aead(Aead which) const noexcept {
  return *parts_->aeads[static_cast<std::size_t>(which)];
}

evp_cipher_st* Library::ticket_cipher() const noexcept { return parts_->ticket_cipher.get(); }

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

} // namespace ringfort::tls
