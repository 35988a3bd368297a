// What is known of a connection: to its handlers, and to a person who looks at a running engine.
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort {

std::string_view name_of(ConnectionStage stage) noexcept {
  constexpr std::string_view names[] = {"handshake", "waiting", "idle",      "head",    "body",
                                        "handler",   "ending",  "lingering", "stopping"};
  return names[static_cast<std::size_t>(stage)];
}

} // namespace ringfort

namespace ringfort::net {

ConnectionFacts ServerConnection::facts(Arena& arena) noexcept {
  ConnectionFacts facts;
  facts.encrypted = transport_.encrypted();
  facts.id = id_;
  if (void* text = arena.allocate(sizeof(engine::SocketAddress::Text), 1)) {
    facts.peer = peer_.write_text(*static_cast<engine::SocketAddress::Text*>(text));
  }
  const tls::SessionFacts& session = transport_.facts();
  if (session.suite == nullptr) return facts;
  facts.version = tls::name_of(session.suite->version);
  facts.suite = session.suite->name;
  facts.protocol = session.protocol;
  if (session.server_name != nullptr) facts.server_name = *session.server_name;
  facts.resumed = session.resumed;
  facts.generation = generation_.number();
  facts.client_certificate = session.client_certificate.get();
  facts.send_records = transport_.sealed_by();
  facts.receive_records = transport_.opened_by();
  return facts;
}

ConnectionStage ServerConnection::stage() const noexcept {
  switch (state_) {
  case State::ending: return ConnectionStage::ending;
  case State::lingering: return ConnectionStage::lingering;
  case State::stopping: return ConnectionStage::stopping;
  case State::open: break;
  }
  switch (waiting_for()) {
  case Waiting::first_byte:
    return transport_.encrypted() ? ConnectionStage::handshake : ConnectionStage::idle;
  case Waiting::handshake:
    return deadlines_.is_set(Deadline::turn) ? ConnectionStage::waiting
                                             : ConnectionStage::handshake;
  case Waiting::head: return ConnectionStage::head;
  case Waiting::body: return ConnectionStage::body;
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
  report.stage = stage();
  report.age = shard_.now() - accepted_at_;
  report.requests = requests_;
  report.received_bytes = transport_.stream().received_bytes();
  report.sent_bytes = transport_.stream().sent_bytes();
  report.held_bytes = transport_.stream().held_bytes();
  report.queued_bytes = transport_.stream().queued_bytes();
  report.encrypted = transport_.encrypted();
  report.generation = generation_.number();
  const tls::SessionFacts& session = transport_.facts();
  if (session.suite == nullptr) return report;
  report.version = tls::name_of(session.suite->version);
  report.suite = session.suite->name;
  report.protocol = session.protocol;
  if (session.server_name != nullptr) report.server_name = *session.server_name;
  report.resumed = session.resumed;
  report.send_records = transport_.sealed_by();
  report.receive_records = transport_.opened_by();
  return report;
}

} // namespace ringfort::net
