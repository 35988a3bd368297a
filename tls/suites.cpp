#include "tls/suites.hpp"

#include <algorithm>
#include <array>

namespace ringfort::tls {

namespace {

using enum Aead;
constexpr Version v2 = Version::tls_1_2;
constexpr Version v3 = Version::tls_1_3;

constexpr std::array suites{
    Suite{0x1301, v3, aes_128_gcm, "TLS_AES_128_GCM_SHA256", "SHA256", 32, 16},
    Suite{0x1302, v3, aes_256_gcm, "TLS_AES_256_GCM_SHA384", "SHA384", 48, 32},
    Suite{0x1303, v3, chacha20_poly1305, "TLS_CHACHA20_POLY1305_SHA256", "SHA256", 32, 32},
    Suite{0xc02b, v2, aes_128_gcm, "ECDHE-ECDSA-AES128-GCM-SHA256", "SHA256", 32, 16},
    Suite{0xc02c, v2, aes_256_gcm, "ECDHE-ECDSA-AES256-GCM-SHA384", "SHA384", 48, 32},
    Suite{0xc02f, v2, aes_128_gcm, "ECDHE-RSA-AES128-GCM-SHA256", "SHA256", 32, 16},
    Suite{0xc030, v2, aes_256_gcm, "ECDHE-RSA-AES256-GCM-SHA384", "SHA384", 48, 32},
    Suite{0xcca8, v2, chacha20_poly1305, "ECDHE-RSA-CHACHA20-POLY1305", "SHA256", 32, 32},
    Suite{0xcca9, v2, chacha20_poly1305, "ECDHE-ECDSA-CHACHA20-POLY1305", "SHA256", 32, 32},
};

} // namespace

const Suite* suite_of(std::uint16_t id) noexcept {
  const auto suite =
      std::find_if(suites.begin(), suites.end(), [id](const Suite& one) { return one.id == id; });
  return suite == suites.end() ? nullptr : &*suite;
}

const Suite* suite_named(std::string_view name) noexcept {
  const auto suite = std::find_if(suites.begin(), suites.end(),
                                  [name](const Suite& one) { return one.name == name; });
  return suite == suites.end() ? nullptr : &*suite;
}

std::string_view default_suites() noexcept {
  return "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
         "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
         "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
}

std::string_view name_of(Version version) noexcept {
  return version == Version::tls_1_3 ? "TLSv1.3" : "TLSv1.2";
}

} // namespace ringfort::tls
