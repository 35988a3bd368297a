#include "tests/sim/world.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/sim/splice.hpp"

namespace ringfort::sim {

namespace {

thread_local World* current_world = nullptr;

} // namespace

World::World(std::uint64_t seed, const Knobs& knobs, Bytes draws)
    : seed_(seed), knobs_(knobs), prng_(seed, draws), outer_(std::exchange(current_world, this)),
      prints_(std::getenv("RINGFORT_SIM_TRACE") != nullptr) {}

World::~World() { current_world = outer_; }

World* World::current() noexcept { return current_world; }

std::int64_t World::unix_seconds() const noexcept {
  constexpr std::int64_t epoch = 1'800'000'000;
  return epoch + std::chrono::duration_cast<std::chrono::seconds>(now_).count();
}

Time World::next_event() noexcept {
  while (!due_.empty() && due_.top().peer->turn_ != due_.top().turn) due_.pop();
  return due_.empty() ? never : due_.top().at;
}

void World::run_due() {
  while (next_event() <= now_) {
    Peer& peer = *due_.top().peer;
    due_.pop();
    peer.turn_ = 0;
    peer.act();
  }
}

void World::poke(Peer& peer) {
  const auto latency = static_cast<std::uint64_t>(Time(knobs_.latency_max).count());
  poke_at(peer, now_ + Time(prng_.below(latency + 1)));
}

void World::poke_at(Peer& peer, Time time) {
  if (peer.turn_ != 0 && peer.due_ <= time) return;
  peer.turn_ = ++turn_;
  peer.due_ = time;
  due_.push({.at = time, .turn = peer.turn_, .peer = &peer});
}

int World::open(Descriptor::Kind kind) {
  if (descriptors_open() >= knobs_.descriptors_max) return -EMFILE;
  auto place = std::ranges::find(descriptors_, Descriptor::Kind::closed, &Descriptor::kind);
  if (place == descriptors_.end()) place = descriptors_.emplace(descriptors_.end());
  *place = Descriptor{};
  place->kind = kind;
  return static_cast<int>(place - descriptors_.begin()) + first_descriptor;
}

World::Descriptor* World::find(int descriptor, const char* user) {
  const int index = descriptor - first_descriptor;
  if (index >= 0 && static_cast<std::size_t>(index) < descriptors_.size()) {
    Descriptor& found = descriptors_[static_cast<std::size_t>(index)];
    if (found.kind != Descriptor::Kind::closed) return &found;
  }
  violate(std::string(user) + " on descriptor " + std::to_string(descriptor) +
          ", which is not open");
  return nullptr;
}

void World::close(int descriptor) {
  Descriptor* found = find(descriptor, "close");
  if (found == nullptr) return;
  if (found->armed > 0) {
    violate("close of descriptor " + std::to_string(descriptor) + " with " +
            std::to_string(found->armed) + " armed operations");
  }
  for (Link* link : found->backlog) link->server_abort();
  found->backlog.clear();
  found->kind = Descriptor::Kind::closed;
  found->records.reset();
}

const tls::Library& World::library() {
  if (library_ == nullptr) library_ = tls::Library::create().value();
  return *library_;
}

std::uint32_t World::descriptors_open() const noexcept {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      descriptors_, [](const Descriptor& one) { return one.kind != Descriptor::Kind::closed; }));
}

Link* World::connect(Peer& peer, std::uint16_t port) {
  for (Descriptor& one : descriptors_) {
    if (one.kind != Descriptor::Kind::listener || one.address.port() != port) continue;
    return &join_backlog(peer, one);
  }
  return nullptr;
}

Link* World::connect(Peer& peer, const engine::SocketAddress& address) {
  for (Descriptor& one : descriptors_) {
    if (one.kind != Descriptor::Kind::listener || one.address != address) continue;
    return &join_backlog(peer, one);
  }
  return nullptr;
}

Link& World::join_backlog(Peer& peer, Descriptor& listener) {
  const auto number = links_.size() + 1;
  const auto address =
      engine::SocketAddress::parse("192.0.2." + std::to_string(number % knobs_.client_hosts + 1),
                                   static_cast<std::uint16_t>(1024 + number));
  links_.push_back(std::make_unique<Link>(*this, peer, *address));
  listener.backlog.push_back(links_.back().get());
  return *links_.back();
}

Splice& World::set_out(const engine::SocketAddress& address) {
  splices_.push_back(std::make_unique<Splice>(*this, address));
  return *splices_.back();
}

bool World::silent(const engine::SocketAddress& address) const noexcept {
  return std::ranges::find(silent_, address) != silent_.end();
}

bool World::listens(const engine::SocketAddress& address) const noexcept {
  return std::ranges::any_of(descriptors_, [&address](const Descriptor& one) {
    return one.kind == Descriptor::Kind::listener && one.address == address;
  });
}

int World::failure_of(Occasion occasion) noexcept {
  const std::uint32_t number = ++occasions_[static_cast<std::size_t>(occasion)];
  const OneFailure& failure = knobs_.failure;
  return failure.occasion == occasion && failure.number == number ? failure.error_number : 0;
}

Time World::draw_lateness() noexcept {
  if (!prng_.chance(knobs_.late_host_per_mille)) return Time{0};
  const Time left = Time(knobs_.late_hosts_max) - late_;
  const auto most = static_cast<std::uint64_t>(std::min(Time(knobs_.late_host_max), left).count());
  const Time late{prng_.below(most + 1)};
  late_ += late;
  return late;
}

void World::violate(std::string text) {
  constexpr std::size_t kept_max = 20;
  if (violations_.size() < kept_max) violations_.push_back(std::move(text));
}

void World::note(char kind, std::int64_t first, std::int64_t second) noexcept {
  const std::int64_t words[] = {kind, first, second, now_.count()};
  for (const std::int64_t word : words) {
    trace_hash_ = Prng::mix(trace_hash_ ^ static_cast<std::uint64_t>(word));
  }
  if (!prints_) return;
  std::printf("%14.6f ms  %c %lld %lld\n", static_cast<double>(now_.count() - start.count()) / 1e6,
              kind, static_cast<long long>(first), static_cast<long long>(second));
}

bool World::planted(Plant plant) noexcept {
  return knobs_.plant == plant && plant_occasions_++ == knobs_.plant_after;
}

} // namespace ringfort::sim
