// client — the client's end over memory.
#pragma once

#include <ctime>
#include <memory>

#include <ringfort/client_tls.hpp>

#include "tests/pair/end.hpp"
#include "tls/client_session.hpp"

namespace ringfort::tls {

/// A shard that clients share, and with it the sessions that servers gave them.
struct ClientShard {
  explicit ClientShard(const ClientContext& description)
      : library(*Library::create()), context(*ShardClientContext::create(*library, description)) {}
  explicit ClientShard(ClientContextOptions options)
      : ClientShard(*ClientContext::create(std::move(options))) {}

  std::shared_ptr<const Library> library;
  std::unique_ptr<ShardClientContext> context;
};

/// Borrow: the shard for life.
class PairClient final : public PairEnd {
public:
  explicit PairClient(ClientShard& shard,
                      ServerName server = {.asked = "localhost", .proved = "localhost"},
                      std::int64_t now_unix_s = std::time(nullptr),
                      const ChannelLimits& limits = {});

  const ClientSessionFacts& facts() const noexcept { return facts_; }

private:
  Handshake& handshake() override { return *session_; }
  void on_secured() override;
  void on_opened(Channel::Kind kind, std::string_view sealed) override;

  std::unique_ptr<ClientSession> session_; ///< until the first record that holds no ticket
  ClientSessionFacts facts_;
};

} // namespace ringfort::tls
