// linked_queue — a queue made of its members themselves: nothing is allocated, and each of them may
// leave it at any time.
#pragma once

#include <cstddef>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::net {

template <class Member>
class LinkedQueue;

/// A place in one such queue at a time: what Member derives from.
template <class Member>
class LinkedPlace {
public:
  LinkedPlace() noexcept = default;
  LinkedPlace(const LinkedPlace&) = delete;
  LinkedPlace& operator=(const LinkedPlace&) = delete;
  ~LinkedPlace() { RINGFORT_CHECK(!queued_); }

private:
  friend class LinkedQueue<Member>;

  Member* next_ = nullptr;
  Member* previous_ = nullptr;
  bool queued_ = false;
};

/// Members leave it before they go.
template <class Member>
class LinkedQueue {
public:
  bool empty() const noexcept { return head_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  Member& front() const noexcept { return *head_; }
  Member& back() const noexcept { return *tail_; }

  void push_back(Member& member) noexcept { insert(member, tail_, nullptr); }
  void push_front(Member& member) noexcept { insert(member, nullptr, head_); }
  void erase(Member& member) noexcept {
    Place& place = member;
    RINGFORT_CHECK(std::exchange(place.queued_, false));
    link(place.previous_, place.next_);
    --size_;
  }

  /// Calls `visit`, which may not change the queue, with each member from that place on.
  template <class Visit>
  void visit_from(std::size_t place, Visit visit) const {
    std::size_t at = 0;
    for (Member* member = head_; member != nullptr; member = next_of(*member)) {
      if (at++ >= place) visit(*member);
    }
  }

private:
  using Place = LinkedPlace<Member>;

  static Member* next_of(const Place& place) noexcept { return place.next_; }

  void insert(Member& member, Member* previous, Member* next) noexcept {
    Place& place = member;
    RINGFORT_CHECK(!std::exchange(place.queued_, true));
    link(previous, &member);
    link(&member, next);
    ++size_;
  }
  void link(Member* previous, Member* next) noexcept {
    (previous == nullptr ? head_ : static_cast<Place*>(previous)->next_) = next;
    (next == nullptr ? tail_ : static_cast<Place*>(next)->previous_) = previous;
  }

  Member* head_ = nullptr;
  Member* tail_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace ringfort::net
