// What is known of a connection: to its handlers, and to a person who looks at a running engine.
#include <array>

#include "net/peer_text.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort {

std::string_view name_of(ConnectionStage stage) noexcept {
  constexpr std::string_view names[] = {"proxy_header", "handshake", "waiting",   "idle",
                                        "head",         "body",      "handler",   "tunnel",
                                        "passthrough",  "ending",    "lingering", "stopping"};
  return names[static_cast<std::size_t>(stage)];
}

} // namespace ringfort

namespace ringfort::net {

namespace {

/// What TLS settled, for whoever asks. False: nothing yet.
template <class Facts>
bool tell_tls(Facts& facts, const Transport& transport) {
  const tls::SessionFacts& session = transport.facts();
  if (session.suite == nullptr) return false;
  facts.version = tls::name_of(session.suite->version);
  facts.suite = session.suite->name;
  facts.protocol = session.protocol;
  if (session.server_name != nullptr) facts.server_name = *session.server_name;
  facts.resumed = session.resumed;
  facts.send_records = transport.sealed_by();
  facts.receive_records = transport.opened_by();
  return true;
}

} // namespace

ConnectionFacts ServerConnection::facts(Arena& arena) noexcept {
  ConnectionFacts facts;
  facts.encrypted = transport_.encrypted();
  facts.id = id_;
  facts.peer = peer_text();
  if (proxy_.is_set()) facts.proxy = net::peer_text(proxy_, arena);
  if (!tell_tls(facts, transport_)) return facts;
  facts.generation = generation_.number();
  facts.client_certificate = transport_.facts().client_certificate.get();
  return facts;
}

void ServerConnection::tell(void (Observer::*what)(const ConnectionFacts&) noexcept) noexcept {
  Observer* const observer = shard_.observer();
  if (observer == nullptr) return;
  std::array<std::byte, facts_bytes_max> space;
  Arena arena(space);
  (observer->*what)(facts(arena));
}

ConnectionStage ServerConnection::stage() const noexcept {
  switch (state_) {
  case State::ending: return ConnectionStage::ending;
  case State::lingering: return ConnectionStage::lingering;
  case State::stopping: return ConnectionStage::stopping;
  case State::open: break;
  }
  switch (waiting_for()) {
  case Waiting::header: return ConnectionStage::proxy_header;
  case Waiting::passthrough: return ConnectionStage::passthrough;
  case Waiting::first_byte:
    if (header_ != nullptr) return ConnectionStage::proxy_header;
    return transport_.encrypted() ? ConnectionStage::handshake : ConnectionStage::idle;
  case Waiting::handshake:
    return deadlines_.is_set(Deadline::turn) ? ConnectionStage::waiting
                                             : ConnectionStage::handshake;
  case Waiting::head: return ConnectionStage::head;
  case Waiting::body:
  case Waiting::unread: return ConnectionStage::body;
  case Waiting::tunnel: return ConnectionStage::tunnel;
  case Waiting::handler: return ConnectionStage::handler;
  case Waiting::request:
  case Waiting::linger:
  case Waiting::nothing: break;
  }
  return ConnectionStage::idle;
}

ConnectionReport ServerConnection::look() const {
  ConnectionReport report;
  report.id = id_;
  report.shard = shard_.shard_index();
  engine::SocketAddress::Text peer;
  report.peer = peer_.write_text(peer);
  report.proxy = proxy_.write_text(peer);
  report.stage = stage();
  report.age = shard_.now() - accepted_at_;
  report.requests = requests_;
  report.received_bytes = transport_.stream().received_bytes();
  report.sent_bytes = transport_.stream().sent_bytes();
  report.held_bytes = transport_.stream().held_bytes();
  report.queued_bytes = transport_.stream().queued_bytes();
  report.encrypted = transport_.encrypted();
  report.generation = generation_.number();
  if (passthrough_ != nullptr) {
    report.server_name = passthrough_->server_name();
    report.server = passthrough_->server();
    report.queued_bytes += passthrough_->piped_bytes();
  }
  if (!tell_tls(report, transport_)) return report;
  if (const auto& client = transport_.facts().client_certificate) {
    report.client_subject = client->facts.subject;
    report.client_verdict = client->verdict.accepts ? "ok" : client->verdict.alias;
  }
  return report;
}

} // namespace ringfort::net
