// stream_splicing — a stream whose bytes never come here: the ring says when its socket has some,
// or takes some, and the kernel moves them.
#include <cerrno>
#include <utility>

#include <poll.h>

#include "net/stream.hpp"

namespace ringfort::net {

void Stream::hold_receives() noexcept {
  flow_ = Flow::held;
  if (starved_.linked()) home_.loop.receive_buffers().unstarve(starved_);
  if (!receive_op_.armed() || pausing_) return;
  pausing_ = true;
  home_.loop.ring().cancel(receive_op_);
}

void Stream::begin_splicing() noexcept {
  RINGFORT_CHECK(flow_ == Flow::held && still());
  flow_ = Flow::spliced;
  sending_queue_ = false; // From now on its operations are polls.
  home_.loop.ring().set_nonblocking(descriptor_);
}

void Stream::await_received() noexcept {
  if (receive_op_.armed() || stopping_ || broken_ || peer_ended_) return;
  home_.loop.ring().poll(receive_op_, descriptor_, POLLIN);
}

bool Stream::splice_into(engine::Pipe& pipe, std::size_t bytes_max) noexcept {
  if (receive_op_.armed() || stopping_ || broken_ || peer_ended_) return false;
  const bool readable = readable_;
  readable_ = false;
  std::int64_t moved = pipe.fill(home_.loop.ring(), descriptor_, bytes_max);
  // At urgent data (tcp(7)) it says that nothing is there, or, once a FIN has come, the end.
  if (moved == 0 || (moved == -EAGAIN && readable)) {
    moved = pipe.fill_by_copy(home_.loop.ring(), descriptor_);
  }
  if (moved > 0) {
    const auto bytes = static_cast<std::uint64_t>(moved);
    home_.counters.received_bytes += bytes;
    received_bytes_ += bytes;
    return true;
  }
  if (moved == 0) {
    peer_ended_ = true;
  } else if (moved == -EAGAIN || moved == -EINTR) {
    await_received();
  } else {
    break_off(static_cast<int>(-moved));
  }
  return false;
}

std::size_t Stream::splice_from(engine::Pipe& pipe) noexcept {
  std::size_t taken = 0;
  while (pipe.held_bytes() > 0 && !send_op_.armed() && !stopping_ && !broken_) {
    const std::int64_t moved = pipe.drain(home_.loop.ring(), descriptor_);
    if (moved > 0) {
      taken += static_cast<std::size_t>(moved);
    } else if (moved == 0 || moved == -EAGAIN || moved == -EINTR) {
      home_.loop.ring().poll(send_op_, descriptor_, POLLOUT);
    } else {
      break_off(static_cast<int>(-moved));
    }
  }
  home_.counters.sent_bytes += taken;
  sent_bytes_ += taken;
  return taken;
}

void Stream::on_ready(engine::Completion completion, void (StreamOwner::*tell)()) noexcept {
  if (stopping_) return settle_when_idle();
  if (completion.result < 0) return break_off(-completion.result);
  (owner_.*tell)();
}

} // namespace ringfort::net
