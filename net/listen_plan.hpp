// listen_plan — what the shards of one listener share: settings that never change.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ringfort/engine.hpp>

#include "engine/address_block.hpp"
#include "net/upstreams.hpp"

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
  /// One for each of its routes.
  std::span<const Upstreams::Board> boards() const noexcept { return boards_; }
  /// Adds what is known of its routes' servers. Where: any thread.
  void add_servers(std::vector<UpstreamReport>& all) const;
  /// As Engine::drain_passthrough. Where: any thread.
  std::size_t drain(std::string_view server, bool drained) const;

private:
  std::vector<engine::AddressBlock> proxies_;
  bool refuses_others_ = false;
  PassthroughOptions passthrough_;
  std::vector<Upstreams::Board> boards_;
};

} // namespace ringfort::net
