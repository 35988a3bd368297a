#include "tls/aead_work.hpp"

#include <array>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/base_aead.hpp"

namespace ringfort::tls {

namespace {

const unsigned char* raw(Bytes bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::array<OSSL_PARAM, 2> parameters_of(MutableBytes tag) noexcept {
  return {OSSL_PARAM{OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, tag.data(), tag.size(),
                     OSSL_PARAM_UNMODIFIED},
          OSSL_PARAM{}};
}

} // namespace

bool AeadWork::use_key(Bytes key) noexcept {
  if (context_ == nullptr) context_ = aead_->make(aead_->provider_context);
  return context_ != nullptr && begin(key, {});
}

void AeadWork::end() noexcept {
  if (context_ != nullptr) aead_->release(std::exchange(context_, nullptr));
}

bool AeadWork::begin(Bytes key, Bytes nonce) noexcept {
  auto* const begin = direction_ == Direction::seal ? aead_->begin_sealing : aead_->begin_opening;
  return begin(context_, raw(key), key.size(), raw(nonce), nonce.size(), nullptr) == 1;
}

bool AeadWork::update(std::byte* out, Bytes in) noexcept {
  std::size_t written = 0;
  return aead_->update(context_, reinterpret_cast<unsigned char*>(out), &written, in.size(),
                       raw(in), in.size()) == 1;
}

bool AeadWork::finish() noexcept {
  std::array<unsigned char, 16> rest; // An AEAD leaves none.
  std::size_t written = 0;
  return aead_->finish(context_, rest.data(), &written, rest.size()) == 1;
}

bool AeadWork::finish(MutableBytes tag) noexcept {
  auto parameters = parameters_of(tag);
  return finish() && aead_->get(context_, parameters.data()) == 1;
}

bool AeadWork::expect(MutableBytes tag) noexcept {
  const auto parameters = parameters_of(tag);
  return aead_->set(context_, parameters.data()) == 1;
}

} // namespace ringfort::tls
