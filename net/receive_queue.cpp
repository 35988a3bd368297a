#include "net/receive_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ringfort::net {

void ReceiveQueue::push(std::uint16_t id, std::uint32_t bytes) noexcept {
  buffers_.hold(id);
  if (count_ > 0) {
    HeldBuffer& tail = table_[tail_];
    const MutableBytes room = buffers_.bytes(tail_).subspan(tail.end);
    if (bytes <= room.size()) {
      std::memcpy(room.data(), buffers_.bytes(id).data(), bytes);
      tail.end += bytes;
      buffers_.release(id);
      return;
    }
    tail.next = id;
  } else {
    head_ = id;
  }
  table_[id] = {.begin = 0, .end = bytes, .next = 0};
  tail_ = id;
  ++count_;
}

unsigned ReceiveQueue::gather(std::span<iovec> pieces,
                              std::span<std::uint16_t> ids) const noexcept {
  const auto count = static_cast<unsigned>(std::min<std::size_t>(count_, pieces.size()));
  std::uint16_t id = head_;
  for (unsigned index = 0; index < count; ++index) {
    const HeldBuffer& held = table_[id];
    pieces[index] = {buffers_.bytes(id).data() + held.begin, held.end - held.begin};
    ids[index] = std::exchange(id, held.next);
  }
  return count;
}

void ReceiveQueue::consume(std::size_t bytes) noexcept {
  HeldBuffer& held = table_[head_];
  held.begin += static_cast<std::uint32_t>(bytes);
  RINGFORT_CHECK(count_ > 0 && held.begin <= held.end);
  if (held.begin < held.end) return;
  const std::uint16_t used = head_;
  head_ = held.next;
  --count_;
  buffers_.release(used);
}

void ReceiveQueue::clear() noexcept {
  while (count_ > 0) consume(front().size());
}

} // namespace ringfort::net
