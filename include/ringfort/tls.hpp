// tls — who a server is on the wire, and which TLS it speaks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ringfort/error.hpp>

namespace ringfort::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

/// A certificate chain, leaf first, and the leaf's private key, both as PEM text.
struct Identity {
  std::string chain_pem;
  std::string key_pem;
};

/// Reads an identity from two files. Nothing is read again later.
/// Errors: tls_context.unreadable (detail: errno).
Result<Identity> load_identity(const std::filesystem::path& chain,
                               const std::filesystem::path& key);

struct ContextOptions {
  /// One, or several of different key types (ECDSA and RSA): the client's algorithms choose.
  std::vector<Identity> identities;
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;
  /// AEAD suites in order of preference, colon separated, TLS 1.2 and 1.3 mixed, by OpenSSL's
  /// names. Empty: AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305, for both versions.
  std::string suites;
  /// Key-exchange groups in order of preference, colon separated.
  std::string groups = "X25519:P-256:P-384";
  /// Session tickets sent after a TLS 1.3 handshake, 0..8; 0 turns resumption off.
  std::uint8_t tickets = 1;
};

/// Immutable, completely checked, cheap to copy. The copies share one description.
/// Where: any thread.
class Context {
public:
  /// Errors: tls_context.not_pem, tls_context.key_unusable, tls_context.key_mismatch,
  ///         tls_context.no_usable_suite, tls_context.version_range, tls_context.no_memory,
  ///         config.invalid (no identity, more than 8 tickets).
  static Result<Context> create(ContextOptions options);

  const ContextOptions& options() const noexcept;

  struct Description; ///< known to the engine only
  const Description& description() const noexcept { return *description_; }

private:
  explicit Context(std::shared_ptr<const Description> description) noexcept
      : description_(std::move(description)) {}

  std::shared_ptr<const Description> description_;
};

} // namespace ringfort::tls
