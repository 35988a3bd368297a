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
  reader_.expect(plan_.errands.front().head_only);
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

bool Client::write_some() {
  while (queued_ < plan_.errands.size() && queued_ < answered_ + plan_.pipeline_depth) {
    wire_->write(plan_.errands[queued_++].request);
  }
  const bool half_closes = plan_.ending == Ending::half_closes;
  if (half_closes && queued_ == plan_.errands.size() && !finished_) {
    finished_ = true;
    wire_->finish();
  }
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
  if (finished_ && wire_->finished()) link_->client_finish();
  return false;
}

bool Client::read_some() {
  if (!link_->client_can_receive()) return false;
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

void Client::take_answers() {
  while (outcome_ == Outcome::pending && !text_.empty()) {
    if (all_answered() || refused_with_ != 0) {
      return conclude(Outcome::wrong, "bytes after the last answer: " + text_.substr(0, 40));
    }
    const auto state = reader_.read(text_);
    if (state == AnswerReader::State::bad) return conclude(Outcome::wrong, reader_.failure());
    if (state != AnswerReader::State::done) return;
    judge(reader_.answer());
  }
}

void Client::judge(const Answer& answer) {
  const Errand& errand = plan_.errands[answered_];
  world_.note('a', number(), answer.status);
  if (answer.status != errand.status && answer.status >= 400 && answer.closes) {
    refused_with_ = answer.status; // Whether it may be refused is for the scenario to say.
    return;
  }
  const std::string name = "answer to " + errand.tag + ": ";
  if (answer.status != errand.status) {
    return conclude(Outcome::wrong, name + "status " + std::to_string(answer.status));
  }
  if (answer.tag != errand.tag && errand.status == 200) {
    return conclude(Outcome::wrong, name + "is the answer to " + answer.tag);
  }
  if (!errand.head_only && errand.status == 200 && answer.body != errand.body) {
    const auto [got, wanted] = std::ranges::mismatch(answer.body, errand.body);
    return conclude(Outcome::wrong, name + std::to_string(answer.body.size()) + " bytes for " +
                                        std::to_string(errand.body.size()) + ", differ at " +
                                        std::to_string(got - answer.body.begin()));
  }
  ++answered_;
  if (!all_answered()) {
    if (answer.closes) refused_with_ = answer.status;
    return reader_.expect(plan_.errands[answered_].head_only);
  }
  if (plan_.ending == Ending::closes && text_.empty()) {
    link_->client_close();
    conclude(Outcome::complete);
  }
}

void Client::on_end(bool reset) {
  if (!all_answered() && !reset && reader_.began() && reader_.end_of_stream()) {
    judge(reader_.answer());
    if (outcome_ != Outcome::pending) return;
  }
  link_->client_close();
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
