#include "engine/receive_buffers.hpp"

namespace ringfort::engine {

void ReceiveBuffers::queue(Starved& starved) noexcept {
  RINGFORT_CHECK(!starved.linked_);
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
  if (head_ == nullptr) return;
  // Who is woken may find no data, and leave its buffer to who is woken after the next batch.
  for (std::uint32_t left = ring_.buffers_available(); head_ != nullptr && left > 0; --left) {
    Starved& starved = *head_;
    unstarve(starved);
    starved.run_(starved.owner_);
  }
}

} // namespace ringfort::engine
