// server — the server's end over memory: a session until the handshake is over, then a channel.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include <ringfort/tls.hpp>

#include "tests/peer/client.hpp"
#include "tls/channel.hpp"
#include "tls/session.hpp"
#include "tls/shard_names.hpp"

namespace ringfort::tls {

/// Under which name a context is served, and when.
struct Served {
  std::string entry = {};
  std::int64_t now_unix_s = std::time(nullptr);
};

/// Each is a shard of its own.
class PairServer {
public:
  explicit PairServer(const LiveNames& names, const ChannelLimits& limits = {});
  /// One context for every name, served as `served` says.
  PairServer(const Context& context, const Served& served, const ChannelLimits& limits = {});

  /// Takes bytes as they arrive, in any cut. After a failure nothing more is taken.
  void deliver(std::string_view bytes);
  std::string take_outgoing();
  void write(std::string_view text);
  void close();

  bool secured() const noexcept { return channel_.has_value(); }
  bool closed() const noexcept { return closed_; }
  const std::string& received() const noexcept { return received_; }
  const std::optional<Error>& failure() const noexcept { return failure_; }
  const SessionFacts& facts() const noexcept { return facts_; }

private:
  bool shake_hands();
  bool choose_context();
  bool open_record();
  void take_session_output();
  void take_control();
  void fail_with(const Error& error);

  std::unique_ptr<Library> library_;
  std::unique_ptr<ShardNames> names_;
  SharedContext only_; ///< null: the name decides
  ChannelLimits limits_;
  std::unique_ptr<Session> session_;
  std::optional<Channel> channel_;
  SessionFacts facts_;
  std::string waiting_;
  std::string outgoing_;
  std::string received_;
  std::optional<Error> failure_;
  bool closed_ = false;
};

/// Brings bytes to and fro until neither side has any left. `cut_bytes` at a time reach the server.
void converse(PairServer& server, peer::Client& client, std::size_t cut_bytes = SIZE_MAX);

} // namespace ringfort::tls
