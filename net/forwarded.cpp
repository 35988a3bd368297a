// Whose claims count, by the addresses that the kernel tells.
#include <ringfort/forwarded.hpp>

#include <algorithm>

#include "engine/address_block.hpp"
#include "http/forwarded.hpp"
#include "net/peer_text.hpp"

namespace ringfort {

struct TrustedProxies::Network {
  engine::AddressBlock block;
};

TrustedProxies::TrustedProxies() noexcept = default;
TrustedProxies::TrustedProxies(TrustedProxies&&) noexcept = default;
TrustedProxies& TrustedProxies::operator=(TrustedProxies&&) noexcept = default;
TrustedProxies::~TrustedProxies() = default;

Result<TrustedProxies> TrustedProxies::parse(std::span<const std::string> networks) {
  TrustedProxies trusted;
  for (const std::string& text : networks) {
    const auto block = engine::AddressBlock::parse(text);
    if (!block) {
      return fail(Code::config_invalid, static_cast<std::int32_t>(trusted.networks_.size()) + 1);
    }
    trusted.networks_.push_back({*block});
  }
  return trusted;
}

bool TrustedProxies::trusts(const Exchange& exchange) const noexcept {
  if (networks_.empty()) return false;
  const auto peer = engine::SocketAddress::parse(net::host_of_peer(exchange.connection().peer), 0);
  return peer && std::ranges::any_of(networks_,
                                     [&](const Network& one) { return one.block.contains(*peer); });
}

Forwarded TrustedProxies::claims(const Exchange& exchange) const noexcept {
  if (!trusts(exchange)) return {};
  Forwarded claims = http::read_forwarded(exchange.fields());
  if (!engine::SocketAddress::parse(claims.client, 0)) claims.client = {};
  return claims;
}

} // namespace ringfort
