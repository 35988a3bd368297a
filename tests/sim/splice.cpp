#include "tests/sim/splice.hpp"

#include <algorithm>

namespace ringfort::sim {

Splice::Splice(World& world, const engine::SocketAddress& address)
    : world_(world), address_(address), near_(world, *this, address) {
  const bool lost = world_.prng().chance(world_.knobs().connect_silent_per_mille);
  if (!lost && !world_.silent(address_)) world_.poke(*this);
}

void Splice::act() {
  if (state_ == State::under_way && !given_up_) arrive();
  for (Way& way : ways_) relay(way);
}

void Splice::give_up() {
  given_up_ = true;
  near_.server_close();
}

void Splice::arrive() {
  const bool refused = world_.prng().chance(world_.knobs().connect_refused_per_mille);
  far_ = refused ? nullptr : world_.connect(*this, address_);
  state_ = far_ == nullptr ? State::refused : State::connected;
  if (far_ == nullptr) return;
  ways_.push_back({.from = near_, .to = *far_, .left_bytes = draw_left_bytes()});
  ways_.push_back({.from = *far_, .to = near_, .left_bytes = draw_left_bytes()});
}

std::size_t Splice::draw_left_bytes() {
  Prng& prng = world_.prng();
  if (!prng.chance(world_.knobs().connect_cuts_per_mille)) return SIZE_MAX;
  return prng.below(std::uint64_t{1} << prng.below(18));
}

void Splice::relay(Way& way) {
  // An end that answers with RST tells the other one, though it had sent its FIN before.
  if (way.to.client_was_reset()) return way.from.client_abort();
  while (!way.ended) {
    if (way.under_way.empty()) take(way);
    if (way.under_way.empty()) return;
    const std::size_t taken = way.to.client_send(way.under_way);
    if (taken == 0) return;
    way.under_way.erase(way.under_way.begin(),
                        way.under_way.begin() + static_cast<std::ptrdiff_t>(taken));
  }
}

void Splice::take(Way& way) {
  if (way.left_bytes == 0) return reset(way);
  constexpr std::size_t piece_bytes = 4'096;
  way.under_way.resize(std::min(piece_bytes, way.left_bytes));
  const Arrival arrival = way.from.client_receive(way.under_way);
  way.under_way.resize(arrival.bytes);
  way.left_bytes -= arrival.bytes;
  way.ended = arrival.ended || arrival.reset;
  if (arrival.ended) way.to.client_finish();
  if (arrival.reset) way.to.client_abort();
}

/// Each end takes it for the other one's doing.
void Splice::reset(Way& way) {
  way.ended = true;
  way.from.client_abort();
  way.to.client_abort();
}

} // namespace ringfort::sim
