#include "engine/pipes.hpp"

namespace ringfort::engine {

std::int64_t Pipe::fill(Ring& ring, int socket, std::size_t bytes_max) noexcept {
  const std::int64_t moved = ring.splice_in(socket, ends_.write_end, bytes_max);
  if (moved > 0) held_bytes_ += static_cast<std::size_t>(moved);
  return moved;
}

std::int64_t Pipe::fill_by_copy(Ring& ring, int socket) noexcept {
  const std::int64_t moved = ring.copy_in(socket, ends_.write_end);
  if (moved > 0) held_bytes_ += static_cast<std::size_t>(moved);
  return moved;
}

std::int64_t Pipe::drain(Ring& ring, int socket) noexcept {
  const std::int64_t moved = ring.splice_out(ends_.read_end, socket, held_bytes_);
  if (moved > 0) held_bytes_ -= static_cast<std::size_t>(moved);
  return moved;
}

Pipes::~Pipes() {
  RINGFORT_CHECK(in_use_count() == 0);
  close_spare();
}

void Pipes::close_spare() noexcept {
  for (const PipeEnds ends : spare_) close(ends);
  spare_.clear();
}

Pipe Pipes::try_take() noexcept {
  if (in_use_count() == count_) return {};
  PipeEnds ends{};
  if (!spare_.empty()) {
    ends = spare_.back();
    spare_.pop_back();
  } else if (const auto opened = ring_.open_pipe(pipe_bytes)) {
    ends = *opened;
  } else {
    return {};
  }
  ++in_use_;
  return {*this, ends};
}

// What lies in one that is not empty goes with it.
void Pipes::give_back(PipeEnds ends, bool empty) noexcept {
  --in_use_;
  if (empty && spare_.size() < spare_max) {
    spare_.push_back(ends);
  } else {
    close(ends);
  }
}

void Pipes::close(PipeEnds ends) noexcept {
  ring_.close(ends.read_end);
  ring_.close(ends.write_end);
}

} // namespace ringfort::engine
