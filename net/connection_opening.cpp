// What comes before TLS, or HTTP: a proxy says for whom it speaks, and it turns out whether the
// connection is opened here at all.
#include <array>
#include <string>
#include <utility>

#include "net/peer_text.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

// ---------------------------------------------------------------------------- a proxy's header

/// Takes a proxy's header off the stream. False: it is not whole, or the connection has failed.
bool ServerConnection::take_header() noexcept {
  Stream& stream = transport_.stream();
  while (stream.has_received()) {
    const auto progress = header_->receive(stream.received());
    if (!progress) {
      fail(progress.error());
      return false;
    }
    stream.consume(progress->consumed_bytes);
    introduction_bytes_ += progress->consumed_bytes;
    if (progress->claim) return believe(*progress->claim);
  }
  if (!stream.ended()) return false;
  // Who connects and says nothing looks whether somebody listens.
  if (header_->begun()) report({.code = Code::proxy_header_peer_closed});
  end_after_flush();
  return false;
}

/// False: its client has as many connections as it may.
bool ServerConnection::believe(const ProxyClaim& claim) noexcept {
  header_.reset();
  if (claim.ends) {
    proxy_ = std::exchange(peer_, claim.ends->source);
    peer_text_.forget();
    told_destination_ = claim.ends->destination;
  }
  counted_ = shard_.count_peer(peer_);
  if (counted_) return true;
  report({.code = Code::accept_peer_full});
  stop(true);
  return false;
}

ConnectionEnds ServerConnection::ends() noexcept {
  const bool told = told_destination_.is_set();
  return {.source = peer_,
          .destination = told ? told_destination_
                              : shard_.ring().bound_address(transport_.stream().descriptor())};
}

// ---------------------------------------------------------------------------- passing through

/// Where the hello goes that waits for a context; null: it is answered here.
LiveRoute* ServerConnection::route_of_hello() noexcept {
  if (role_.routes == nullptr) return nullptr;
  const std::string_view name = transport_.server_name();
  return role_.routes->find(name, transport_.offered_protocols(), role_.names->serves(name));
}

void ServerConnection::pass_through(LiveRoute& route) noexcept {
  engine::SocketAddress::Text room;
  const std::uint64_t hash = hash_of(peer_.write_host_text(room));
  shard_.count_passthrough_begun();
  passthrough_ = std::make_unique<Passthrough>(*this, route, hash);
  transport_.stream().receive_freely(); // Who leaves while a server is found is heard.
  passthrough_->start();
}

void ServerConnection::on_unreachable(const Error& error) noexcept {
  transport_.refuse(error);
  fail(error);
}

void ServerConnection::on_passthrough_failed(const Error& error) noexcept {
  report(error);
  stop(true);
}

void ServerConnection::on_moved() noexcept {
  if (passthrough_->whole()) return stop(false);
  update_deadlines();
}

/// The slot is about to be free.
void ServerConnection::tell_passed_through() noexcept {
  shard_.count_passthrough_ended();
  Observer* const observer = shard_.observer();
  if (observer == nullptr) return;
  const std::string server = passthrough_->server();
  const PassthroughReport report{.server_name = passthrough_->server_name(),
                                 .server = server,
                                 .whole = passthrough_->whole(),
                                 .received_bytes = transport_.stream().received_bytes(),
                                 .sent_bytes = transport_.stream().sent_bytes(),
                                 .taken = shard_.now() - accepted_at_};
  std::array<std::byte, facts_bytes_max> space;
  Arena arena(space);
  observer->passed_through(facts(arena), report);
}

} // namespace ringfort::net
