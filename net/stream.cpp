#include "net/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/kernel_features.hpp"

namespace ringfort::net {

Stream::Stream(StreamHome& home, int descriptor, StreamOwner& owner) noexcept
    : home_(home), owner_(owner), descriptor_(descriptor),
      receive_op_(leases_, this,
                  [](void* self, engine::Completion completion) noexcept {
                    static_cast<Stream*>(self)->on_receive(completion);
                  }),
      send_op_(leases_, this,
               [](void* self, engine::Completion completion) noexcept {
                 static_cast<Stream*>(self)->on_send(completion);
               }),
      install_op_(leases_, this,
                  [](void* self, engine::Completion completion) noexcept {
                    static_cast<Stream*>(self)->on_install(completion);
                  }),
      starved_(this, [](void* self) noexcept { static_cast<Stream*>(self)->receive_in_turn(); }),
      settled_(this, [](void* self) noexcept { static_cast<Stream*>(self)->settle_when_idle(); }),
      received_(home.loop.receive_buffers(), home.held_buffers), sending_(home.loop.blocks()) {}

Stream::~Stream() { RINGFORT_CHECK(leases_.none() && descriptor_ < 0); }

void Stream::start() noexcept {
  asked_ = true;
  arm_receive();
}

void Stream::consume(std::size_t bytes) noexcept {
  received_.consume(bytes);
  if (!receive_op_.armed()) arm_receive();
}

// While most buffers are held, who holds one has something to use first. Nothing waits for more
// while it holds some: what is part of a record or a head has been put together elsewhere.
std::size_t Stream::receive_credit_bytes() const noexcept {
  return home_.loop.receive_buffers().scarce() ? 1 : home_.receive_credit_bytes;
}

// Resuming only at half the credit keeps a slow reader from arming one receive per piece.
bool Stream::wants_receive() const noexcept {
  if (receive_op_.armed() || stopping_ || broken_ || peer_ended_) return false;
  if (starved_.linked() || receive_stopped_by_ != 0 || installs_receive_) return false;
  if (flow_ == Flow::held || flow_ == Flow::spliced) return false;
  return flow_ == Flow::single ? asked_ : received_.held_bytes() <= receive_credit_bytes() / 2;
}

void Stream::arm_receive() noexcept {
  if (!wants_receive()) return;
  engine::ReceiveBuffers& buffers = home_.loop.receive_buffers();
  if (buffers.waited_for()) return buffers.queue(starved_);
  receive_now();
}

void Stream::receive_in_turn() noexcept {
  if (wants_receive()) receive_now();
}

void Stream::receive_now() noexcept {
  if (flow_ == Flow::single) {
    const engine::ReceiveArm arm{.multishot = false, .bytes_max = asked_bytes_max_};
    return home_.loop.ring().receive(receive_op_, descriptor_, arm);
  }
  const std::size_t held_bytes = received_.held_bytes();
  if (home_.loop.ring().features().receive_cap) {
    // A buffer's worth at a time, so that many armed at once cannot take all buffers by fours.
    const auto cap = static_cast<std::uint32_t>(std::min<std::size_t>(
        home_.receive_credit_bytes - held_bytes, home_.loop.receive_buffers().buffer_bytes()));
    home_.loop.ring().receive(receive_op_, descriptor_, {.multishot = true, .cap_bytes = cap});
  } else {
    home_.loop.ring().receive(receive_op_, descriptor_, {.multishot = received_.empty()});
  }
}

int Stream::release_descriptor() noexcept {
  RINGFORT_CHECK(leases_.none() && !starved_.linked() && quiet());
  stopping_ = true;
  return std::exchange(descriptor_, -1);
}

void Stream::receive_next(std::uint32_t bytes_max) noexcept {
  asked_ = true;
  asked_bytes_max_ = bytes_max;
  arm_receive();
}

void Stream::receive_freely() noexcept {
  if (flow_ != Flow::single && flow_ != Flow::held) return;
  flow_ = Flow::free;
  arm_receive();
}

void Stream::receive_opened() noexcept {
  flow_ = Flow::opened;
  arm_receive();
}

void Stream::resume_receive() noexcept {
  receive_stopped_by_ = 0;
  arm_receive();
}

/// Whether the kernel says with this errno that a record is no data, or is not right.
bool Stream::stops_receive(int error_number) const noexcept {
  if (flow_ != Flow::opened) return false;
  return error_number == EIO || error_number == EBADMSG || error_number == EMSGSIZE ||
         error_number == EINVAL || error_number == EKEYEXPIRED;
}

void Stream::break_off(int error_number) noexcept {
  broken_ = true;
  owner_.on_broken(error_number);
}

void Stream::on_receive(engine::Completion completion) noexcept {
  if (completion.result <= 0 || flow_ == Flow::spliced) return on_receive_ended(completion);
  asked_ = false;
  const auto bytes = static_cast<std::uint32_t>(completion.result);
  home_.counters.received_bytes += bytes;
  received_bytes_ += bytes;
  received_.push(completion.buffer_id(), bytes);
  if (stopping_) {
    received_.clear();
    return settle_when_idle();
  }
  if (completion.more()) {
    pause_uncapped_receive();
  } else {
    pausing_ = false;
    arm_receive();
  }
  owner_.on_received();
}

/// Without bytes: the peer's FIN, an error, or a poll.
void Stream::on_receive_ended(engine::Completion completion) noexcept {
  if (flow_ == Flow::spliced) {
    readable_ = true;
    return on_ready(completion, &StreamOwner::on_received);
  }
  const int error_number = -completion.result;
  if (error_number == 0) asked_ = false;
  if (completion.has_buffer()) {
    // Some kernels hand out a buffer with the end of the stream; it holds nothing.
    home_.loop.receive_buffers().hold(completion.buffer_id());
    home_.loop.receive_buffers().release(completion.buffer_id());
  }
  if (stopping_) return settle_when_idle();
  const bool paused = pausing_;
  pausing_ = false; // What was being cancelled has ended, by itself or not.
  if (error_number == 0) {
    peer_ended_ = true;
  } else if (stops_receive(error_number)) {
    receive_stopped_by_ = error_number;
  } else if (error_number == ENOBUFS) {
    if (flow_ != Flow::held) return home_.loop.receive_buffers().starve(starved_);
  } else if (error_number == ECANCELED && paused) {
    arm_receive();
    if (flow_ != Flow::held) return;
  } else {
    return break_off(error_number);
  }
  owner_.on_received();
}

// Before Linux 6.17 a multishot cannot end by itself after so many bytes: it is cancelled when half
// the credit is held, and receives go one by one until everything held has been used.
void Stream::pause_uncapped_receive() noexcept {
  if (pausing_ || home_.loop.ring().features().receive_cap) return;
  if (received_.held_bytes() <= receive_credit_bytes() / 2) return;
  pausing_ = true;
  home_.loop.ring().cancel(receive_op_);
}

void Stream::flush() noexcept {
  if (send_op_.armed() || stopping_ || broken_ || holds_sends_ || installs_send_) return;
  if (send_record() || sending_.queued_bytes() == 0) return;
  const unsigned count = sending_.gather(pieces_);
  sending_queue_ = true;
  arm_send(count);
  if (count < gather_max && !owner_.waits_for_sent()) home_.loop.expect_quiet_send();
}

void Stream::forward(const Stream& from) noexcept {
  if (send_op_.armed() || stopping_ || broken_ || queued_bytes() > 0) return;
  lent_count_ = static_cast<std::uint8_t>(from.received_.gather(pieces_, lent_));
  if (lent_count_ == 0) return;
  for (const std::uint16_t id : std::span(lent_).first(lent_count_)) {
    home_.loop.receive_buffers().hold(id);
  }
  sending_queue_ = false;
  arm_send(lent_count_);
}

void Stream::release_lent() noexcept {
  if (lent_count_ == 0) return;
  for (const std::uint16_t id : std::span(lent_).first(std::exchange(lent_count_, 0))) {
    home_.loop.receive_buffers().release(id);
  }
}

void Stream::arm_send(unsigned count) noexcept {
  if (count == 1) {
    const Bytes piece{static_cast<const std::byte*>(pieces_[0].iov_base), pieces_[0].iov_len};
    home_.loop.ring().send(send_op_, descriptor_, piece);
  } else {
    home_.loop.ring().send_gathered(send_op_, descriptor_, pieces_.data(), count);
  }
}

/// Sends the record whose turn it is; false when it is none's.
bool Stream::send_record() noexcept {
  if (record_.size == 0) {
    if (last_record_.size == 0 || sending_.queued_bytes() > 0) return false;
    record_.type = last_record_.type;
    record_.size = std::exchange(last_record_.size, std::uint8_t{0});
    copy_into(record_.content, Bytes(last_record_.bytes).first(record_.size));
    record_goes_first_ = false;
  }
  sending_record_ = true;
  sending_queue_ = false;
  home_.loop.ring().send_control(send_op_, descriptor_, record_);
  return true;
}

void Stream::send_record_first(std::uint8_t type, Bytes content) noexcept {
  RINGFORT_CHECK(!sends_record_first() && content.size() <= record_.content.size());
  record_.type = type;
  record_.size = static_cast<std::uint8_t>(content.size());
  copy_into(record_.content, content);
  record_goes_first_ = true;
}

void Stream::send_record_last(std::uint8_t type, Bytes content) noexcept {
  RINGFORT_CHECK(content.size() <= last_record_.bytes.size());
  last_record_.type = type;
  last_record_.size = static_cast<std::uint8_t>(content.size());
  copy_into(last_record_.bytes, content);
}

void Stream::release_sends() noexcept {
  holds_sends_ = false;
  flush();
}

void Stream::on_send(engine::Completion completion) noexcept {
  if (completion.result <= 0 || !sending_queue_ || stopping_) return on_special_send(completion);
  sending_.accepted(count_sent(completion));
  if (queued_bytes() > 0) flush();
  owner_.on_sent();
}

/// Of anything but what is queued, or one that failed.
void Stream::on_special_send(engine::Completion completion) noexcept {
  if (flow_ == Flow::spliced) return on_ready(completion, &StreamOwner::on_sent);
  if (sending_record_) {
    sending_record_ = false;
    if (completion.result > 0) {
      record_.size = 0;
      holds_sends_ = record_goes_first_;
    }
  } else if (completion.result > 0) {
    const std::size_t bytes = count_sent(completion);
    if (lent_count_ > 0) {
      forwarded_bytes_ += bytes;
    } else {
      sending_.accepted(bytes);
    }
  }
  release_lent();
  if (stopping_) return settle_when_idle();
  if (completion.result < 0 && completion.result != -EINTR && completion.result != -EAGAIN) {
    return break_off(-completion.result);
  }
  if (queued_bytes() > 0) flush();
  owner_.on_sent();
}

std::size_t Stream::count_sent(engine::Completion completion) noexcept {
  const auto bytes = static_cast<std::size_t>(completion.result);
  home_.counters.sent_bytes += bytes;
  sent_bytes_ += bytes;
  return bytes;
}

std::optional<engine::Completion>
Stream::install_records(const engine::RecordInstall& install) noexcept {
  const auto answer = home_.loop.ring().install_records(install_op_, descriptor_, install);
  installs_send_ = !answer && !install.send_keys.empty();
  installs_receive_ = !answer && !install.receive_keys.empty();
  return answer;
}

void Stream::on_install(engine::Completion completion) noexcept {
  installs_send_ = false;
  installs_receive_ = false;
  if (stopping_) return settle_when_idle();
  owner_.on_installed(completion);
}

void Stream::shutdown_write() noexcept {
  if (!broken_ && !stopping_) home_.loop.ring().shutdown_write(descriptor_);
}

void Stream::stop(bool reset) noexcept {
  if (stopping_) return;
  stopping_ = true;
  reset_ = reset;
  received_.clear();
  if (starved_.linked()) home_.loop.receive_buffers().unstarve(starved_);
  if (receive_op_.armed()) home_.loop.ring().cancel(receive_op_);
  if (send_op_.armed()) home_.loop.ring().cancel(send_op_);
  if (install_op_.armed()) home_.loop.ring().cancel(install_op_);
  if (leases_.none()) home_.loop.defer(settled_);
}

// Send blocks go back only here: until the send's last completion the kernel may still read them.
void Stream::settle_when_idle() noexcept {
  if (!leases_.none() || descriptor_ < 0) return;
  sending_.clear();
  if (reset_) {
    home_.loop.ring().reset(descriptor_);
  } else {
    home_.loop.ring().close(descriptor_);
  }
  descriptor_ = -1;
  owner_.on_settled();
}

} // namespace ringfort::net
