// context — what a public tls::Context holds: the checked options, and the ticket keys that every
// shard's copy has to share.
#pragma once

#include <array>
#include <cstddef>

#include <ringfort/tls.hpp>

namespace ringfort::tls {

struct Context::Description {
  static constexpr std::size_t ticket_key_bytes = 80; ///< name 16, AES-256 32, HMAC-SHA-256 32

  ContextOptions options;
  std::vector<Error> warnings;
  std::string policy;
  std::array<std::byte, ticket_key_bytes> ticket_keys;
};

} // namespace ringfort::tls
