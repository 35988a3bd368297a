// slots — the fixed places where a shard's connections live: an address never moves, and a slot's
// generation tells one tenant from the next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include <sys/mman.h>

#include <ringfort/check.hpp>
#include <ringfort/error.hpp>

namespace ringfort::net {

/// A slab of `count` places for T, in one mapping whose pages are touched on first use.
/// Where: one shard.
template <class T>
class Slots {
public:
  /// Errors: ring.no_memory.
  static Result<Slots> create(std::uint32_t count) noexcept {
    void* memory = ::mmap(nullptr, count * sizeof(Slot), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return fail(Code::ring_no_memory, errno);
    return Slots(static_cast<Slot*>(memory), count);
  }
  Slots(Slots&& other) noexcept { swap(other); }
  Slots& operator=(Slots&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Slots() {
    RINGFORT_CHECK(used_ == 0);
    if (slots_ != nullptr) ::munmap(slots_, capacity_ * sizeof(Slot));
  }

  std::uint32_t used() const noexcept { return used_; }
  bool full() const noexcept { return used_ == capacity_; }

  /// Makes a T in a free slot; T's constructor takes the slot's id before `arguments`.
  /// Not when full().
  template <class... Arguments>
  T& emplace(Arguments&&... arguments) noexcept {
    RINGFORT_CHECK(!full());
    // The most recently freed slot first: its lines are still in the cache.
    std::uint32_t index = free_;
    if (index != none) {
      free_ = slots_[index].next_free;
    } else {
      index = touched_++;
    }
    Slot& slot = slots_[index];
    slot.live = true;
    ++used_;
    const std::uint64_t id = (std::uint64_t{++slot.generation} << 32) | index;
    return *std::construct_at(slot.place(), id, std::forward<Arguments>(arguments)...);
  }

  /// Destroys the T with that id.
  void erase(std::uint64_t id) noexcept {
    const auto index = static_cast<std::uint32_t>(id);
    Slot& slot = slots_[index];
    RINGFORT_CHECK(slot.live && slot.generation == id >> 32);
    std::destroy_at(slot.place());
    slot.live = false;
    slot.next_free = free_;
    free_ = index;
    --used_;
  }

  /// The T with that id; null when it is gone.
  T* find(std::uint64_t id) noexcept {
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= touched_) return nullptr;
    Slot& slot = slots_[index];
    return slot.live && slot.generation == id >> 32 ? slot.place() : nullptr;
  }

  /// Visits every live T. The visitor may not erase.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for_some(0, capacity_, visit);
  }

  /// Visits the live ones of at most `count` slots from `from` on. The visitor may not erase.
  /// Answers where to go on; 0: that was the last.
  template <class Visit>
  std::uint32_t for_some(std::uint32_t from, std::uint32_t count, Visit visit) {
    const std::uint32_t end = touched_ - std::min(touched_, from) > count ? from + count : touched_;
    for (std::uint32_t index = from; index < end; ++index) {
      if (slots_[index].live) visit(*slots_[index].place());
    }
    return end == touched_ ? 0 : end;
  }

private:
  static constexpr std::uint32_t none = UINT32_MAX;

  struct Slot {
    std::uint32_t generation;
    std::uint32_t next_free;
    bool live;
    alignas(T) std::byte storage[sizeof(T)];

    T* place() noexcept { return reinterpret_cast<T*>(storage); }
  };

  Slots(Slot* slots, std::uint32_t capacity) noexcept : slots_(slots), capacity_(capacity) {}

  void swap(Slots& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(capacity_, other.capacity_);
    std::swap(used_, other.used_);
    std::swap(touched_, other.touched_);
    std::swap(free_, other.free_);
  }

  Slot* slots_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t touched_ = 0; ///< slots below this were used at least once
  std::uint32_t free_ = none;
};

} // namespace ringfort::net
