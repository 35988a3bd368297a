#include "engine/receive_buffers.hpp"

namespace ringfort::engine {

void ReceiveBuffers::starve(Starved& starved) noexcept {
  RINGFORT_CHECK(!starved.linked_);
  ++starved_;
  // Buffers that came back between the kernel's failure and this call would wake nobody else.
  if (head_ == nullptr) owed_ = ring_.buffers_available();
  starved.linked_ = true;
  starved.next_ = nullptr;
  starved.previous_ = tail_;
  (tail_ == nullptr ? head_ : tail_->next_) = &starved;
  tail_ = &starved;
}

void ReceiveBuffers::unstarve(Starved& starved) noexcept {
  RINGFORT_CHECK(starved.linked_);
  (starved.previous_ == nullptr ? head_ : starved.previous_->next_) = starved.next_;
  (starved.next_ == nullptr ? tail_ : starved.next_->previous_) = starved.previous_;
  starved.linked_ = false;
}

void ReceiveBuffers::wake_starved() noexcept {
  // With no buffer held none will ever come back, so what is available now has to do.
  if (head_ != nullptr && held_ == 0) owed_ = ring_.buffers_available();
  while (head_ != nullptr && owed_ > 0) {
    --owed_;
    Starved& starved = *head_;
    unstarve(starved);
    starved.run_(starved.owner_);
  }
}

} // namespace ringfort::engine
