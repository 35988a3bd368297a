// forwarded — what servers before this one say of the client that they pass on: claims, which count
// only when they come from who is trusted (RFC 7239, and the older X-Forwarded-* fields).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/exchange.hpp>

namespace ringfort {

/// The public hop as a trusted neighbour tells it; never this hop's facts, which are those of
/// Exchange::connection(). Borrow: as the exchange's fields.
struct Forwarded {
  std::string_view client = {}; ///< an address without port and brackets; empty: not told
  std::string_view scheme = {}; ///< "http" or "https"
  std::string_view host = {};   ///< what the client asked for

  bool told() const noexcept { return !client.empty() || !scheme.empty() || !host.empty(); }
};

/// Whose claims count: the neighbours, by their addresses, that are proxies of one's own.
/// Where: any thread, once made.
class TrustedProxies {
public:
  /// "10.0.0.0/8", "2001:db8::/32", or an address. None: nobody is trusted.
  /// Errors: config.invalid (detail: which of them, from 1).
  static Result<TrustedProxies> parse(std::span<const std::string> networks);

  TrustedProxies() noexcept;
  TrustedProxies(TrustedProxies&&) noexcept;
  TrustedProxies& operator=(TrustedProxies&&) noexcept;
  ~TrustedProxies();

  /// Whether the exchange's peer, as the kernel or a PROXY header tells it, is one.
  bool trusts(const Exchange& exchange) const noexcept;

  /// What a trusted peer says: of Forwarded, or of X-Forwarded-For, -Proto and -Host where that is
  /// not there, exactly one clean value of each. What is doubled, a list of hops or malformed is
  /// not told. Of who is not trusted: nothing.
  Forwarded claims(const Exchange& exchange) const noexcept;

private:
  struct Network;

  std::vector<Network> networks_;
};

} // namespace ringfort
