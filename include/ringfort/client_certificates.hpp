// client_certificates — whether clients have to say who they are, and whom to believe about it.
#pragma once

#include <cstdint>
#include <string>

#include <ringfort/error.hpp>

namespace ringfort::tls {

/// What a server asks of its clients (RFC 8446 section 4.3.2).
struct ClientCertificates {
  enum class Mode : std::uint8_t {
    none,     ///< nobody is asked
    optional, ///< asked; whoever has none, or one that is not believed, is served all the same
    required, ///< nobody is served without a certificate that is believed
  };
  Mode mode = Mode::none;

  /// Those who are believed, PEM. A chain that ends in one of them is good, whether that one is
  /// self-signed or not. Their names are told to clients. Needed for `required`.
  std::string authorities_pem = {};
  /// Revocation lists (RFC 5280 section 5), PEM. With any, each certificate of a chain must be
  /// covered by a list that is current, or the chain is not believed.
  std::string revocation_lists_pem = {};
  /// Certificates between the client's and a believed one, 0..16.
  std::uint8_t depth = 3;

  /// A client whose chain is longer is turned away (tls_handshake.message_too_long).
  static constexpr std::uint32_t chain_bytes_max = 16'384;
  /// Of a client's subjectAltName so many entries are looked at, the first ones.
  static constexpr std::uint32_t names_max = 64;
};

/// Whether a context would take these terms, for a program that reads their files again.
/// Errors: tls_context.junk_authority, .junk_revocation_list, .no_client_authority, .no_memory,
///         config.invalid (a depth out of its range, or terms for clients that are not asked).
/// Cost:   as Context::create without identities.
Result<> validate(const ClientCertificates& clients);

} // namespace ringfort::tls
