#include "tls/pins.hpp"

#include <algorithm>

#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

constexpr std::size_t text_bytes = 44; ///< of a pin

/// False for what no encoder would write.
bool parse(const std::string& text, Pin& pin) noexcept {
  std::array<unsigned char, text_bytes / 4 * 3> decoded;
  std::array<unsigned char, text_bytes + 1> again;
  const auto* given = reinterpret_cast<const unsigned char*>(text.data());
  if (text.size() != text_bytes ||
      EVP_DecodeBlock(decoded.data(), given, text_bytes) != static_cast<int>(decoded.size())) {
    return false;
  }
  EVP_EncodeBlock(again.data(), decoded.data(), static_cast<int>(pin.size()));
  copy_into(pin, std::as_bytes(std::span(decoded)).first(pin.size()));
  return std::equal(text.begin(), text.end(), again.begin());
}

bool pin_of(const X509* certificate, Pin& pin) noexcept {
  unsigned char* encoded = nullptr;
  const int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
  if (bytes <= 0) return false;
  const bool digested = EVP_Digest(encoded, static_cast<std::size_t>(bytes), raw(pin), nullptr,
                                   EVP_sha256(), nullptr) == 1;
  OPENSSL_free(encoded);
  return digested;
}

} // namespace

Result<std::vector<Pin>> parse_pins(std::span<const std::string> texts) {
  std::vector<Pin> pins(texts.size());
  for (std::size_t index = 0; index < texts.size(); ++index) {
    if (!parse(texts[index], pins[index])) {
      return fail(Code::tls_context_bad_pin, static_cast<int>(index) + 1);
    }
  }
  return pins;
}

bool has_pinned(const stack_st_X509* chain, std::span<const Pin> pins) noexcept {
  for (int index = 0; index < sk_X509_num(chain); ++index) {
    Pin pin;
    const bool told = pin_of(sk_X509_value(chain, index), pin);
    if (told && std::ranges::find(pins, pin) != pins.end()) return true;
  }
  return false;
}

} // namespace ringfort::tls
