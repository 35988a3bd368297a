#include "tests/pair/client.hpp"

namespace ringfort::tls {

PairClient::PairClient(ClientShard& shard, ServerName server, std::int64_t now_unix_s,
                       const ChannelLimits& limits)
    : PairEnd(shard.library, Side::client, limits),
      session_(std::make_unique<ClientSession>(*shard.library, *shard.context, std::move(server),
                                               now_unix_s)) {
  deliver({}); // The hello goes first.
}

void PairClient::on_secured() { facts_ = session_->take_facts(); }

void PairClient::on_opened(Channel::Kind kind, std::string_view sealed) {
  if (session_ == nullptr) return;
  if (kind != Channel::Kind::ticket) {
    session_.reset();
  } else if (const auto taken = session_->receive_ticket(bytes_of(sealed)); !taken) {
    fail_with(taken.error());
  }
}

} // namespace ringfort::tls
