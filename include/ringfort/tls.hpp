// tls — who a server is on the wire, and which TLS it speaks.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/client_certificates.hpp>
#include <ringfort/error.hpp>
#include <ringfort/key_log.hpp>
#include <ringfort/ticket_keys.hpp>

namespace ringfort::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

/// A certificate chain, leaf first, and the leaf's private key, both as PEM text. The key is RSA,
/// ECDSA or Ed25519.
struct Identity {
  std::string chain_pem;
  std::string key_pem;
  /// Opens an encrypted key; empty for one that is not.
  std::string pass_phrase = {};
};

/// Reads an identity from two files. Nothing is read again later. A path of /dev/fd/N reads an
/// inherited descriptor.
/// Errors: tls_context.unreadable (detail: errno).
Result<Identity> load_identity(const std::filesystem::path& chain,
                               const std::filesystem::path& key);

/// Takes an identity out of a PKCS#12 container (RFC 7292); the key is decrypted.
/// Errors: tls_context.not_pkcs12, tls_context.no_pass_phrase (it is empty and does not open the
///         container), tls_context.wrong_pass_phrase, tls_context.pkcs12_without_key,
///         tls_context.empty_identity.
Result<Identity> identity_of_pkcs12(Bytes container, const std::string& pass_phrase);

/// The same from a file. Errors: tls_context.unreadable (detail: errno) as well.
Result<Identity> load_pkcs12(const std::filesystem::path& file, const std::string& pass_phrase);

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
  /// Signature schemes in order of preference, colon separated, by the names of RFC 8446 section
  /// 4.2.3. None with SHA-1.
  std::string signatures = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ed25519:"
                           "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
                           "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";
  /// Session tickets sent after a TLS 1.3 handshake, 0..8; 0 turns resumption off.
  std::uint8_t tickets = 1;
  /// How long a session may be resumed, 1 s..7 days (RFC 8446 section 4.6.1).
  std::chrono::seconds ticket_lifetime{7'200};
  /// What seals tickets. Empty: generated for this context. Give a later context those of its
  /// predecessor's options(), and sessions survive the exchange.
  std::optional<TicketKeys> ticket_keys = {};
  /// False: sessions end with the leaf certificates that they began with.
  bool resume_across_certificates = true;
  /// Whether clients have to say who they are. Sessions do not outlive a change of this.
  ClientCertificates clients = {};
  /// Told of the secrets of every handshake; null: nobody is. Borrow: outlives the context and the
  /// engines that serve with it.
  KeyLog* key_log = nullptr;
};

/// Answers the pass phrase of the identity at this index of ContextOptions::identities.
using PassPhraseSource = std::move_only_function<std::string(std::size_t index)>;

/// Immutable, completely checked, cheap to copy. The copies share one description.
/// Where: any thread.
class Context {
public:
  /// `ask` is called once for each identity whose key is encrypted and that brings no pass phrase.
  /// Errors: tls_context.* but unreadable, and config.invalid (no identity, or a number out of its
  ///         range).
  /// Cost:   keys are decrypted here, once.
  static Result<Context> create(ContextOptions options, PassPhraseSource ask = {});

  /// As given, but with every key decrypted, no pass phrase, and ticket keys.
  const ContextOptions& options() const noexcept;
  /// What does not keep the context from working but will keep clients away, now or soon:
  /// tls_context.chain_incomplete, .expired, .not_yet_valid, .expires_soon (detail: days left).
  std::span<const Error> warnings() const noexcept;
  /// When the first of its certificates ends, of leaves and what follows them.
  std::int64_t expires_unix_s() const noexcept;
  /// Versions, suites, groups, signatures and what is refused, one line each.
  std::string policy() const;

  struct Description; ///< known to the engine only
  const Description& description() const noexcept { return *description_; }

private:
  explicit Context(std::shared_ptr<const Description> description) noexcept
      : description_(std::move(description)) {}

  std::shared_ptr<const Description> description_;
};

} // namespace ringfort::tls
