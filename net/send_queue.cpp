#include "net/send_queue.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::net {

MutableBytes SendQueue::space(std::size_t bytes_min) noexcept {
  if (tail_ != nullptr) {
    const MutableBytes room = tail_->memory().subspan(tail_->end);
    if (room.size() >= bytes_min) return room;
  }
  engine::Block block = blocks_.try_take();
  if (!block) return {};
  auto* chunk = std::construct_at(reinterpret_cast<Chunk*>(block.bytes().data()));
  chunk->block = std::move(block);
  RINGFORT_CHECK(chunk->memory().size() >= bytes_min);
  (tail_ == nullptr ? head_ : tail_->next) = chunk;
  tail_ = chunk;
  return chunk->memory();
}

void SendQueue::commit(std::size_t bytes) noexcept {
  tail_->end += bytes;
  queued_bytes_ += bytes;
}

unsigned SendQueue::gather(std::span<iovec> pieces) const noexcept {
  unsigned count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < pieces.size(); chunk = chunk->next) {
    if (chunk->begin == chunk->end) continue;
    pieces[count++] = {chunk->memory().data() + chunk->begin, chunk->end - chunk->begin};
  }
  return count;
}

void SendQueue::accepted(std::size_t bytes) noexcept {
  RINGFORT_CHECK(bytes <= queued_bytes_);
  queued_bytes_ -= bytes;
  while (head_ != nullptr) {
    const std::size_t part = std::min(bytes, head_->end - head_->begin);
    head_->begin += part;
    bytes -= part;
    if (head_->begin < head_->end) return;
    pop();
  }
}

void SendQueue::pop() noexcept {
  Chunk* chunk = head_;
  head_ = chunk->next;
  if (head_ == nullptr) tail_ = nullptr;
  const engine::Block returned = std::move(chunk->block); // Outlives the chunk that lies in it.
  std::destroy_at(chunk);
}

void SendQueue::clear() noexcept {
  while (head_ != nullptr) pop();
  queued_bytes_ = 0;
}

} // namespace ringfort::net
