// listen_plan — what the shards of one listener share: settings that never change.
#pragma once

#include <vector>

#include <ringfort/engine.hpp>

#include "engine/address_block.hpp"

namespace ringfort::net {

class ListenPlan {
public:
  /// Errors: config.invalid, as Engine::serve says.
  static Result<ListenPlan> create(ListenOptions options);

  /// Whether who connects from there is a proxy that has to say for whom it speaks.
  bool expects_header_from(const engine::SocketAddress& peer) const noexcept;
  bool refuses_others() const noexcept { return refuses_others_; }
  /// The names of its routes are in the form in which they are compared.
  const PassthroughOptions& passthrough() const noexcept { return passthrough_; }

private:
  std::vector<engine::AddressBlock> proxies_;
  bool refuses_others_ = false;
  PassthroughOptions passthrough_;
};

} // namespace ringfort::net
