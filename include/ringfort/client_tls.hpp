// client_tls — whom a client believes, who it is itself, and which TLS it speaks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/error.hpp>
#include <ringfort/key_log.hpp>
#include <ringfort/tls.hpp>

namespace ringfort::tls {

struct ClientContextOptions {
  /// Those who are believed, PEM, instead of this machine's. A chain that ends in one of them is
  /// good, whether that one is self-signed or not. Empty: this machine's store.
  std::string authorities_pem;
  /// Believed besides those, PEM.
  std::string extra_authorities_pem;
  /// Revocation lists (RFC 5280 section 5), PEM. With any, each certificate of a chain must be
  /// covered by a list that is current, or the chain is not believed.
  std::string revocation_lists_pem;
  /// SHA-256 of public keys (SubjectPublicKeyInfo), base64 (RFC 7469 section 2.4). With any, one
  /// certificate of the chain that was verified has one of these keys, or the server is refused.
  std::vector<std::string> pins;
  /// Shown to servers that ask.
  std::optional<Identity> identity;
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;
  /// As in ContextOptions.
  std::string suites;
  std::string groups = "X25519:P-256:P-384";
  std::string signatures = ContextOptions{}.signatures;
  /// False: anybody is believed, whatever name and certificate they show. What was wrong is in
  /// ServerFacts::verdict; each such connection is counted. No environment variable sets it.
  bool verifies = true;
  /// Sessions kept to resume, over all servers, 0..65,536; the oldest go first. 0: none.
  std::uint32_t sessions_max = 100;
  /// Told of the secrets of every handshake; null: nobody is. Borrow: outlives the context and the
  /// clients that have it.
  KeyLog* key_log = nullptr;
};

/// Immutable, completely checked, cheap to copy. The copies share one description. Whoever has to
/// believe others than before makes another: nothing of this one, no connection and no session,
/// serves a client that has that one.
/// Where: any thread.
class ClientContext {
public:
  /// Errors: tls_context.* that the options can earn, no_system_authorities among them, unless
  ///         nobody is verified; config.invalid.
  /// Cost:   the machine's store is read and parsed here, once, some 10 ms.
  static Result<ClientContext> create(ClientContextOptions options = {});

  const ClientContextOptions& options() const noexcept;
  /// Versions, suites, groups, signatures and whom it believes, one line each.
  std::string policy() const;

  struct Description; ///< known to the engine only
  const Description& description() const noexcept { return *description_; }

private:
  explicit ClientContext(std::shared_ptr<const Description> description) noexcept
      : description_(std::move(description)) {}

  std::shared_ptr<const Description> description_;
};

} // namespace ringfort::tls
