// passthrough_splicing — a connection that carries much: how it comes to the kernel's moving its
// bytes, and goes on so.
#include "net/passthrough.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

/// What the kernel moves one way before others have their turn.
constexpr std::size_t turn_bytes_max = 131'072;

/// Nothing that came waits here, and nothing is being sent.
bool is_empty(const Stream& from, const Stream& to) noexcept {
  return !from.has_received() && !to.sending() && to.queued_bytes() == 0;
}

} // namespace

// Without pipes bytes go on as they did, until as many have come again.
void Passthrough::begin_settling(bool up) noexcept {
  engine::Pipes& pipes = client_.shard().pipes();
  if (!(up_.pipe = pipes.try_take()) || !(down_.pipe = pipes.try_take())) {
    up_.pipe = {};
    return;
  }
  state_ = State::settling;
  settles_up_ = up;
  (up ? client_.transport().stream() : *far_).hold_receives();
}

// Both sides change at once: where a socket does not block, the ring's own operations on it fail.
// The other way goes on until it is quiet by itself: who does not take what waits here may do so
// only when what it says is heard.
void Passthrough::settle() noexcept {
  Stream& near = client_.transport().stream();
  Stream& source = settles_up_ ? near : *far_;
  Stream& other = settles_up_ ? *far_ : near;
  if (!holds_both_) {
    if (source.receiving() || !is_empty(source, other)) return;
    if (!is_empty(other, source)) return end_settling();
    holds_both_ = true;
    other.hold_receives();
  }
  if (other.receiving()) return;
  if (near.still() && far_->still()) return begin_splicing();
  end_settling(); // Something came with the last receive.
}

void Passthrough::end_settling() noexcept {
  state_ = State::passing;
  holds_both_ = false;
  up_.pipe = {};
  down_.pipe = {};
  client_.transport().stream().receive_freely();
  far_->receive_freely();
}

void Passthrough::begin_splicing() noexcept {
  state_ = State::splicing;
  client_.shard().count_passthrough_spliced();
  client_.transport().stream().begin_splicing();
  far_->begin_splicing();
}

void Passthrough::splice(Stream& from, Stream& to, Direction& direction) noexcept {
  std::size_t taken_bytes = to.splice_from(direction.pipe);
  while (state_ == State::splicing && direction.pipe.held_bytes() == 0) {
    // Others have their turn too.
    if (taken_bytes >= turn_bytes_max) {
      from.await_received();
      break;
    }
    if (!from.splice_into(direction.pipe, turn_bytes_max - taken_bytes)) break;
    taken_bytes += to.splice_from(direction.pipe);
  }
  const bool waits = direction.pipe.held_bytes() > 0;
  note_sending(direction, waits, taken_bytes > 0);
  if (state_ == State::splicing && !waits) pass_end_on(from, to, direction);
}

} // namespace ringfort::net
