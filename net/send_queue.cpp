#include "net/send_queue.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::net {

MutableBytes SendQueue::space_of_next(std::size_t bytes_min) noexcept {
  engine::Block block = blocks_.try_take();
  if (!block) return {};
  const MutableBytes memory = block.bytes();
  auto* chunk = std::construct_at(reinterpret_cast<Chunk*>(memory.data()), std::move(block),
                                  memory.size() - sizeof(Chunk));
  RINGFORT_CHECK(chunk->memory_bytes >= bytes_min);
  (tail_ == nullptr ? head_ : tail_->next) = chunk;
  tail_ = chunk;
  return chunk->room();
}

bool SendQueue::append_in_parts(Bytes bytes) noexcept {
  while (!bytes.empty()) {
    const MutableBytes space = this->space(1);
    if (space.empty()) return false;
    const Bytes part = bytes.first(std::min(space.size(), bytes.size()));
    std::memcpy(space.data(), part.data(), part.size());
    commit(part.size());
    bytes = bytes.subspan(part.size());
  }
  return true;
}

unsigned SendQueue::gather(std::span<iovec> pieces) const noexcept {
  unsigned count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < pieces.size(); chunk = chunk->next) {
    if (chunk->begin == chunk->end) continue;
    pieces[count++] = {chunk->memory() + chunk->begin, chunk->end - chunk->begin};
  }
  return count;
}

void SendQueue::accepted(std::size_t bytes) noexcept {
  RINGFORT_CHECK(bytes <= queued_bytes_);
  if (bytes == queued_bytes_) return clear(); // Mostly.
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
