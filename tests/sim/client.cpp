#include "tests/sim/client.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::sim {

Client::Client(World& world, Plan plan, std::unique_ptr<Wire> wire)
    : world_(world), plan_(std::move(plan)), wire_(std::move(wire)) {
  world_.poke_at(*this, world_.now() + plan_.start);
}

void Client::act() {
  if (outcome_ != Outcome::pending) return;
  if (link_ == nullptr && !begin()) return;
  if (cut_now()) return;
  const bool wrote = write_some();
  const bool read = read_some();
  if (outcome_ != Outcome::pending || (!wrote && !read)) return;
  const auto pause = static_cast<std::uint64_t>(plan_.pause_max.count());
  world_.poke_at(*this, world_.now() + Time(world_.prng().below(pause + 1)));
}

bool Client::begin() {
  link_ = world_.connect(*this, plan_.port);
  if (link_ == nullptr) {
    conclude(Outcome::lost, "connection refused");
    return false;
  }
  expect_next();
  world_.note('c', number(), static_cast<std::int64_t>(plan_.ending));
  return true;
}

bool Client::cut_now() {
  if (plan_.ending < Ending::trickles || moved_bytes_ < plan_.cut_bytes) return false;
  if (plan_.ending == Ending::resets) link_->client_abort();
  if (plan_.ending == Ending::abandons) link_->client_close();
  conclude(Outcome::cut);
  return true;
}

void Client::write_requests() {
  const std::size_t count = plan_.errands.size();
  while (!holds_back_ && queued_ < count && queued_ < answered_ + plan_.pipeline_depth) {
    const Errand& errand = plan_.errands[queued_++];
    wire_->write(errand.request);
    if (errand.hasty) wire_->write(errand.rest);
    holds_back_ = !errand.hasty && !errand.rest.empty();
  }
  if (plan_.ending != Ending::half_closes || queued_ < count || holds_back_ || finished_) return;
  finished_ = true;
  wire_->finish();
}

bool Client::write_some() {
  write_requests();
  const Bytes outgoing = wire_->outgoing();
  if (outgoing.empty()) return finish_stream();
  const auto bytes_max = world_.prng().between(1, plan_.write_bytes_max);
  const std::size_t sent =
      link_->client_send(outgoing.first(std::min<std::size_t>(bytes_max, outgoing.size())));
  moved_bytes_ += sent;
  wire_->sent(sent);
  world_.note('w', number(), static_cast<std::int64_t>(sent));
  finish_stream();
  return sent > 0;
}

/// Sends FIN behind the last byte. It may wait for a handshake to end first.
bool Client::finish_stream() {
  if (!finished_ || !wire_->finished()) return false;
  link_->client_finish();
  if (ended_) conclude(Outcome::complete); // Both directions of a tunnel are.
  return false;
}

bool Client::read_some() {
  if (!link_->client_can_receive()) return false;
  if (ended_) {
    if (link_->client_was_reset()) conclude(Outcome::lost, "reset behind the tunnel's end");
    return false;
  }
  std::vector<std::byte> memory(world_.prng().between(1, plan_.read_bytes_max));
  const Arrival arrival = link_->client_receive(memory);
  world_.note('r', number(), arrival.reset ? -1 : static_cast<std::int64_t>(arrival.bytes));
  if (arrival.bytes == 0) {
    on_end(arrival.reset);
    return true;
  }
  moved_bytes_ += arrival.bytes;
  if (!wire_->read(Bytes(memory).first(arrival.bytes), text_)) {
    conclude(Outcome::wrong, "wire: " + wire_->failure());
    return true;
  }
  take_answers();
  return true;
}

void Client::expect_next() {
  const Errand& errand = plan_.errands[answered_];
  reader_.expect(errand.head_only || errand.tunnel != Tunnel::none);
}

void Client::take_answers() {
  while (outcome_ == Outcome::pending && !text_.empty()) {
    if (tunnels_) return take_tunnel();
    if (all_answered() || refused_with_ != 0) {
      return conclude(Outcome::wrong, "bytes after the last answer: " + text_.substr(0, 40));
    }
    const auto state = reader_.read(text_);
    if (state == AnswerReader::State::bad) return conclude(Outcome::wrong, reader_.failure());
    take_interim();
    if (state != AnswerReader::State::done) return;
    judge(reader_.answer());
  }
}

/// 100 Continue lets the rest of the request go.
void Client::take_interim() {
  if (reader_.answer().continues == 0 || !holds_back_ || answered_ + 1 != queued_) return;
  holds_back_ = false;
  wire_->write(plan_.errands[answered_].rest);
}

void Client::judge(const Answer& answer) {
  const Errand& errand = plan_.errands[answered_];
  world_.note('a', number(), answer.status);
  const std::string name = "answer to " + errand.tag + ": ";
  if (errand.cut && answer.status == errand.status) {
    return conclude(Outcome::wrong, name + "was to be cut");
  }
  if (answer.status != errand.status && answer.status >= 400 && answer.closes) {
    refused_with_ = answer.status; // Whether it may be refused is for the scenario to say.
    return;
  }
  if (answer.status != errand.status) {
    return conclude(Outcome::wrong, name + "status " + std::to_string(answer.status));
  }
  if (answer.tag != errand.tag && answer.status < 400) {
    return conclude(Outcome::wrong, name + "is the answer to " + answer.tag);
  }
  if (!judge_interim(answer, name)) return;
  if (errand.tunnel != Tunnel::none) return begin_tunnel();
  if (!errand.head_only && errand.status == 200) judge_body(answer, name);
  if (outcome_ == Outcome::pending) on_answered(answer.closes);
}

bool Client::judge_interim(const Answer& answer, const std::string& name) {
  const Errand& errand = plan_.errands[answered_];
  const bool asked = answer.continues == 1 || errand.hasty || errand.last;
  if (answer.continues > (errand.rest.empty() ? 0 : 1) || (!errand.rest.empty() && !asked)) {
    conclude(Outcome::wrong, name + std::to_string(answer.continues) + " times 100 Continue");
  } else if (errand.status < 400 && answer.informs != errand.informs) {
    conclude(Outcome::wrong, name + std::to_string(answer.informs) + " early hints");
  }
  return outcome_ == Outcome::pending;
}

void Client::judge_body(const Answer& answer, const std::string& name) {
  const std::string& body = plan_.errands[answered_].body;
  if (answer.body == body) return;
  const auto [got, wanted] = std::ranges::mismatch(answer.body, body);
  conclude(Outcome::wrong, name + std::to_string(answer.body.size()) + " bytes for " +
                               std::to_string(body.size()) + ", differ at " +
                               std::to_string(got - answer.body.begin()));
}

void Client::on_answered(bool closes) {
  ++answered_;
  if (!all_answered()) {
    if (closes) refused_with_ = 200;
    return expect_next();
  }
  if (plan_.ending == Ending::closes && text_.empty()) {
    link_->client_close();
    conclude(Outcome::complete);
  }
}

// ---------------------------------------------------------------------------- the tunnel

void Client::begin_tunnel() {
  tunnels_ = true;
  const Errand& errand = plan_.errands[answered_];
  if (errand.tunnel == Tunnel::echo) {
    wire_->write(errand.said);
    wire_->finish();
    finished_ = true;
  }
}

void Client::take_tunnel() {
  heard_ += std::exchange(text_, {});
  const Errand& errand = plan_.errands[answered_];
  if (errand.body.starts_with(heard_)) return;
  conclude(Outcome::wrong, "tunnel of " + errand.tag + ": other bytes within the first " +
                               std::to_string(heard_.size()));
}

void Client::on_tunnel_end(bool reset) {
  const Errand& errand = plan_.errands[answered_];
  if (reset || heard_ != errand.body) {
    link_->client_close();
    return conclude(Outcome::lost, "the tunnel's end after " + std::to_string(heard_.size()) +
                                       " of " + std::to_string(errand.body.size()) + " bytes");
  }
  if (!wire_->ended()) return conclude(Outcome::wrong, "FIN without close_notify in a tunnel");
  ++answered_;
  if (errand.tunnel == Tunnel::first) {
    ended_ = finished_ = true;
    wire_->write(errand.said);
    wire_->finish();
    return;
  }
  link_->client_close();
  conclude(Outcome::complete);
}

// ---------------------------------------------------------------------------- the end

void Client::on_end(bool reset) {
  if (tunnels_) return on_tunnel_end(reset);
  if (!all_answered() && !reset && reader_.began() && reader_.end_of_stream()) {
    judge(reader_.answer());
    if (outcome_ != Outcome::pending) return;
  }
  link_->client_close();
  if (!all_answered() && plan_.errands[answered_].cut) {
    // A FIN behind part of an answer that ends with the connection would pass for its end.
    if (reset || !reader_.began()) return conclude(Outcome::complete);
    return conclude(Outcome::wrong, "an answer that was cut ended in order");
  }
  if (!all_answered()) {
    return conclude(Outcome::lost, std::string(reset ? "reset" : "end") + " after " +
                                       std::to_string(answered_) + " answers");
  }
  if (reset) return conclude(Outcome::lost, "reset after the last answer");
  if (!wire_->ended()) return conclude(Outcome::wrong, "FIN without close_notify");
  conclude(Outcome::complete);
}

void Client::conclude(Outcome outcome, std::string failure) {
  outcome_ = outcome;
  failure_ = std::move(failure);
  world_.note('o', number(), static_cast<std::int64_t>(outcome));
}

const char* name_of(Client::Outcome outcome) noexcept {
  constexpr const char* names[] = {"pending", "complete", "cut", "lost", "wrong"};
  return names[static_cast<int>(outcome)];
}

} // namespace ringfort::sim
