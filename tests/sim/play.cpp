#include "tests/sim/play.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::sim {

using namespace std::chrono_literals;

Actor::Actor(World& world, std::uint16_t port) : link_(world.connect(*this, port)) {
  REQUIRE(link_ != nullptr);
}

void Actor::act() {
  while (!waiting_.empty()) {
    const std::size_t sent = link_->client_send(bytes_of(waiting_));
    if (sent == 0) break;
    waiting_.erase(0, sent);
  }
  if (finishing_ && waiting_.empty()) link_->client_finish();
  std::array<std::byte, 4'096> memory;
  while (listening_ && !ended() && link_->client_can_receive()) {
    const Arrival arrival = link_->client_receive(memory);
    received_ += text_of(Bytes(memory).first(arrival.bytes));
    ended_ = ended_ || arrival.ended;
    reset_ = reset_ || arrival.reset;
  }
}

void Actor::send(std::string_view text) {
  waiting_ += text;
  act();
}

void Actor::finish() {
  finishing_ = true;
  act();
}

void Actor::listen(bool listening) {
  listening_ = listening;
  act();
}

std::string_view Actor::news() noexcept {
  return std::string_view(received_).substr(std::exchange(told_bytes_, received_.size()));
}

EngineOptions Play::kind_options() {
  EngineOptions options;
  options.shards = 1;
  options.pin_threads = false;
  options.ring_entries = 64;
  options.receive_buffer_count = 64;
  options.block_count = 512;
  options.limits.connections_max = 64;
  return options;
}

Play::Play(const EngineOptions& options, const Knobs& knobs) : world_(1, knobs) {
  auto engine = Engine::create(options);
  REQUIRE(engine);
  engine_ = std::move(*engine);
  engine_->on_error([this](const ErrorReport& report) { reports_.push_back(report.error); });
}

Play::~Play() {
  engine_->drain(0ms);
  while (!engine_->shard(0).ended() && turn()) {}
  const Metrics metrics = engine_->metrics();
  CHECK(metrics.connections_open == 0);
  CHECK(metrics.blocks_in_use == 0);
  CHECK(metrics.receive_buffers_held == 0);
  engine_.reset();
  CHECK(world_.descriptors_open() == 0);
  for (const std::string& violation : world_.violations()) FAIL_CHECK(violation);
}

void Play::listen(ServiceFactory factory, std::optional<tls::LiveNames> names) {
  const Endpoint endpoint{.host = "127.0.0.1", .port = 0};
  const auto bound = !names ? engine_->serve_plain(endpoint, std::move(factory))
                            : engine_->serve(endpoint, std::move(*names), std::move(factory));
  REQUIRE(bound);
  port_ = bound->port;
}

Actor& Play::connect() {
  if (port_ != 0) turn(); // The first turn is when listeners begin to accept.
  return *actors_.emplace_back(std::make_unique<Actor>(world_, port_));
}

bool Play::turn() { return engine_->shard(0).turn(10ms).has_value(); }

void Play::run_for(Time time) {
  const Time end = world_.now() + time;
  while (world_.now() < end && !engine_->shard(0).ended() && turn()) {}
  // Without an engine, the others still come to know what it did last.
  world_.advance_to(end);
  world_.run_due();
}

bool Play::run_until(const std::function<bool()>& claim) {
  const Time end = world_.now() + 5min;
  while (!claim()) {
    if (world_.now() > end || !turn()) return false;
  }
  return true;
}

bool Play::run_until_closed() {
  return run_until([this] { return engine_->metrics().connections_open == 0; });
}

Actor& Play::ask(std::string_view request) {
  Actor& client = connect();
  client.send(request);
  REQUIRE(run_until([&] { return client.ended(); }));
  return client;
}

bool Play::converse(Actor& actor, peer::Client& client, const std::function<bool()>& claim) {
  return run_until([&] {
    if (const std::string outgoing = client.take_outgoing(); !outgoing.empty()) {
      actor.send(outgoing);
    }
    if (const std::string_view news = actor.news(); !news.empty()) client.deliver(bytes_of(news));
    return claim();
  });
}

std::uint64_t Play::count(Code code) const {
  const auto told = static_cast<std::uint64_t>(
      std::ranges::count_if(reports_, [code](const Error& error) { return error.code == code; }));
  CHECK(engine_->metrics().faults[static_cast<std::size_t>(code)] == told);
  return told;
}

} // namespace ringfort::sim
