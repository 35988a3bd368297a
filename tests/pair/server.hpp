// server — the server's end over memory.
#pragma once

#include <ctime>
#include <memory>
#include <string>

#include <ringfort/tls.hpp>

#include "tests/pair/end.hpp"
#include "tests/peer/client.hpp"
#include "tls/session.hpp"
#include "tls/shard_names.hpp"

namespace ringfort::tls {

/// Under which name a context is served, and when.
struct Served {
  std::string entry = {};
  std::int64_t now_unix_s = std::time(nullptr);
};

/// Each is a shard of its own.
class PairServer final : public PairEnd {
public:
  explicit PairServer(const LiveNames& names, const ChannelLimits& limits = {});
  /// One context for every name, served as `served` says.
  PairServer(const Context& context, const Served& served, const ChannelLimits& limits = {});

  const SessionFacts& facts() const noexcept { return facts_; }

private:
  Handshake& handshake() override { return *session_; }
  bool choose_context() override;
  void on_secured() override;

  std::unique_ptr<ShardNames> names_;
  SharedContext only_; ///< null: the name decides
  std::unique_ptr<Session> session_;
  SessionFacts facts_;
};

} // namespace ringfort::tls
