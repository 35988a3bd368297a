// client_hello — the first message of a handshake, read before OpenSSL sees it: which server is
// asked for decides who answers (RFC 8446 section 4.1.2, RFC 6066 section 3).
//
// So a context is chosen before there is an SSL object: its whole policy holds from the first byte,
// and a client that stalls inside its hello costs no more than the hello.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

namespace ringfort::tls {

/// The longest hello that is read, with its record headers. Hellos with post-quantum shares take
/// about 2 KB.
inline constexpr std::size_t hello_bytes_max = 16'384;

struct ClientHello {
  std::size_t bytes = 0; ///< of the records that carry it; 0: more has to arrive
  std::size_t name_bytes = 0;
  std::array<char, 255> name; ///< as sent
  std::size_t protocols_bytes = 0;
  std::array<char, 255> protocols; ///< that are offered, each behind its length; what has no room
                                   ///< is left out

  std::string_view server_name() const noexcept { return {name.data(), name_bytes}; }
  std::string_view offered_protocols() const noexcept {
    return {protocols.data(), protocols_bytes};
  }
};

/// Reads the hello at the front of `input`, which may lie in several records.
/// Errors: tls_handshake.plain_http, .not_tls, .malformed, .oversized_hello.
Result<ClientHello> read_client_hello(Bytes input) noexcept;

} // namespace ringfort::tls
