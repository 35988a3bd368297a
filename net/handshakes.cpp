#include "net/handshakes.hpp"

#include <utility>

namespace ringfort::net {

void Handshakes::ask(HandshakePlace& place) noexcept {
  if (std::exchange(place.waits_, true)) return;
  List& list = list_of(place);
  place.asked_turn_ = turn_;
  place.next_ = nullptr;
  place.previous_ = list.tail;
  (list.tail == nullptr ? list.head : list.tail->next_) = &place;
  list.tail = &place;
  ++waiting_;
}

void Handshakes::unlink(HandshakePlace& place) noexcept {
  List& list = list_of(place);
  (place.previous_ == nullptr ? list.head : place.previous_->next_) = place.next_;
  (place.next_ == nullptr ? list.tail : place.next_->previous_) = place.previous_;
  place.waits_ = false;
  --waiting_;
}

void Handshakes::leave(HandshakePlace& place) noexcept {
  if (place.waits_) unlink(place);
  if (std::exchange(place.begun_, false)) --begun_;
}

void Handshakes::run() noexcept {
  for (std::uint32_t count = 0; count < steps_max_ && runnable(); ++count) {
    take_step(going_on_.head != nullptr ? *going_on_.head : *beginning_.head);
  }
  park_new(going_on_);
  park_new(beginning_);
  if (waiting_ > waiting_peak_) waiting_peak_ += waiting_ - waiting_peak_;
  ++turn_;
}

void Handshakes::take_step(HandshakePlace& place) noexcept {
  unlink(place);
  if (!std::exchange(place.begun_, true)) ++begun_;
  ++steps_;
  place.take_step_(place.owner_);
}

/// New ones are the last of their list.
void Handshakes::park_new(const List& list) noexcept {
  HandshakePlace* place = list.tail;
  while (place != nullptr && place->asked_turn_ == turn_) {
    HandshakePlace& parked = *std::exchange(place, place->previous_);
    ++deferred_;
    parked.park_(parked.owner_);
  }
}

} // namespace ringfort::net
