#include "engine/uring_ring.hpp"

#include <cerrno>
#include <ctime>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringfort::engine {

Result<std::unique_ptr<UringRing>> UringRing::create(const RingOptions& options) noexcept {
  auto features = kernel_version();
  if (!features) return std::unexpected(features.error());
  std::unique_ptr<UringRing> ring(new UringRing); // The constructor is private to make_unique.
  ring->features_ = *features;
  if (auto done = ring->set_up(options); !done) return std::unexpected(done.error());
  if (auto done = ring->provide_buffers(options); !done) return std::unexpected(done.error());
  ring->probe_features();
  ring->wake_descriptor_ = ::eventfd(0, EFD_CLOEXEC);
  if (ring->wake_descriptor_ < 0) return fail(Code::ring_no_memory, errno);
  return ring;
}

UringRing::~UringRing() {
  if (buffer_ring_ != nullptr) {
    io_uring_free_buf_ring(&ring_, buffer_ring_, buffer_count_, buffer_group);
  }
  if (ring_ready_) io_uring_queue_exit(&ring_);
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

// Each step down is a kernel that does not know the flag yet and says EINVAL.
Result<> UringRing::set_up(const RingOptions& options) noexcept {
  constexpr unsigned always = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
                              IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER;
  constexpr unsigned ladder[] = {
      always | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY,
      always | IORING_SETUP_DEFER_TASKRUN,
      always | IORING_SETUP_COOP_TASKRUN,
  };
  int status = 0;
  for (const unsigned flags : ladder) {
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = options.completion_entries;
    status = io_uring_queue_init_params(options.submission_entries, &ring_, &params);
    if (status == 0) {
      ring_ready_ = true;
      features_.defer_taskrun = (flags & IORING_SETUP_DEFER_TASKRUN) != 0;
      features_.no_sqarray = (flags & IORING_SETUP_NO_SQARRAY) != 0;
      messages_.resize(options.submission_entries);
      return {};
    }
    if (status != -EINVAL) break;
  }
  return std::unexpected(ring_setup_error(-status));
}

Result<> UringRing::provide_buffers(const RingOptions& options) noexcept {
  const std::size_t bytes = std::size_t{options.buffer_count} * options.buffer_bytes;
  auto buffers = Mapping::create(bytes, Mapping::Pages::huge);
  if (!buffers) return std::unexpected(buffers.error());
  buffers_ = std::move(*buffers);
  buffer_count_ = options.buffer_count;
  buffer_bytes_ = options.buffer_bytes;
  int status = 0;
  buffer_ring_ = io_uring_setup_buf_ring(&ring_, buffer_count_, buffer_group, 0, &status);
  if (buffer_ring_ == nullptr) return std::unexpected(ring_setup_error(-status));
  for (std::uint32_t id = 0; id < buffer_count_; ++id) {
    return_buffer(static_cast<std::uint16_t>(id));
  }
  return {};
}

// Asked of a ring of its own: it is enabled already, registering it is the calling thread's, and
// what is known of the kernel is read by any thread once this one's shard has begun.
void UringRing::probe_features() noexcept {
  io_uring probe{};
  if (io_uring_queue_init(4, &probe, 0) != 0) return;
  features_.socket_options = knows_socket_options(probe);
  features_.receive_cap = knows_receive_cap(probe);
  features_.registered_ring = io_uring_register_ring_fd(&probe) == 1;
  io_uring_queue_exit(&probe);
}

std::optional<int> UringRing::ask(io_uring& probe) noexcept {
  io_uring_cqe* cqe = nullptr;
  if (io_uring_submit_and_wait(&probe, 1) != 1 || io_uring_peek_cqe(&probe, &cqe) != 0) return {};
  const int result = cqe->res;
  io_uring_cqe_seen(&probe, cqe);
  return result;
}

// A kernel without the cap reads the same word as a file index, which a receive may not have. The
// question needs no buffer: asked first, the cap is refused with EINVAL before the missing buffer
// is noticed.
bool UringRing::knows_receive_cap(io_uring& probe) noexcept {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  ::close(ends[1]); // The end of the stream is there to be received at once.
  io_uring_sqe* sqe = io_uring_get_sqe(&probe);
  RINGFORT_CHECK(sqe != nullptr); // The queue has room for each question.
  io_uring_prep_recv_multishot(sqe, ends[0], nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = buffer_group;
  sqe->file_index = 4096;
  const bool known = ask(probe).value_or(-EINVAL) != -EINVAL;
  ::close(ends[0]);
  return known;
}

Result<> UringRing::start() noexcept {
  if (const int status = io_uring_enable_rings(&ring_); status < 0) {
    return std::unexpected(ring_setup_error(-status));
  }
  (void)io_uring_register_ring_fd(&ring_); // Where it fails, the descriptor does as well.
  arm_wake();
  return {};
}

void UringRing::arm_wake() noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_read(&sqe, wake_descriptor_, &wake_count_, sizeof wake_count_, 0);
  sqe.user_data = user_data_wake;
}

void UringRing::wake() noexcept {
  const std::uint64_t one = 1;
  // It can only fail when the count is already far from zero, and then the ring is awake.
  [[maybe_unused]] const auto written = ::write(wake_descriptor_, &one, sizeof one);
}

io_uring_sqe* UringRing::sqe_after_submitting() noexcept {
  io_uring_sqe* sqe = nullptr;
  while (sqe == nullptr) {
    ++counters_.enters;
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  return sqe;
}

/// So many entries go to the kernel in one submission, as linked ones have to.
void UringRing::reserve(unsigned count) noexcept {
  while (io_uring_sq_space_left(&ring_) < count) {
    ++counters_.enters;
    io_uring_submit(&ring_);
  }
}

void UringRing::accept(Op& op, int listener) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_multishot_accept(&sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
  sqe.user_data = op.arm();
}

void UringRing::connect(Op& op, int descriptor, const SocketAddress& address) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_connect(&sqe, descriptor, address.data(), address.size());
  sqe.user_data = op.arm();
}

void UringRing::connect(Op& op, int descriptor, const UnixAddress& address) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_connect(&sqe, descriptor, address.data(), address.size());
  sqe.user_data = op.arm();
}

void UringRing::poll(Op& op, int descriptor, std::uint32_t events) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_poll_add(&sqe, descriptor, events);
  sqe.user_data = op.arm();
}

// Without IORING_RECVSEND_POLL_FIRST: a multishot that begins with a poll takes the bytes before a
// reset that has already come, and then waits for an event that never will (seen on Linux 6.18).
// What is left of that: once in some 100,000 times a reset that comes while a woken multishot takes
// the bytes before it is not told, and the connection ends by its deadline.
void UringRing::receive(Op& op, int descriptor, ReceiveArm arm) noexcept {
  io_uring_sqe& sqe = next_sqe();
  if (arm.multishot) {
    io_uring_prep_recv_multishot(&sqe, descriptor, nullptr, 0, 0);
    if (features_.receive_cap) sqe.file_index = arm.cap_bytes; // optlen shares this word.
  } else {
    io_uring_prep_recv(&sqe, descriptor, nullptr, arm.bytes_max > 0 ? arm.bytes_max : buffer_bytes_,
                       0);
  }
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = buffer_group;
  sqe.user_data = op.arm();
  ++counters_.receives;
}

void UringRing::send(Op& op, int descriptor, Bytes bytes) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_send(&sqe, descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  sqe.user_data = op.arm();
  ++counters_.sends;
}

// A message only has to live until it is submitted (IORING_FEAT_SUBMIT_STABLE), so one per
// submission entry is enough.
UringRing::Message& UringRing::next_message() noexcept {
  Message& message = messages_[counters_.submissions % messages_.size()];
  message = {};
  return message;
}

void UringRing::send_gathered(Op& op, int descriptor, const iovec* pieces,
                              unsigned count) noexcept {
  io_uring_sqe& sqe = next_sqe();
  msghdr& message = next_message().header;
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  io_uring_prep_sendmsg(&sqe, descriptor, &message, MSG_NOSIGNAL);
  sqe.user_data = op.arm();
  ++counters_.sends;
}

void UringRing::cancel(Op& op) noexcept {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_cancel64(&sqe, op.user_data(), 0);
  sqe.user_data = user_data_cancel;
}

MutableBytes UringRing::buffer(std::uint16_t id) const noexcept {
  return buffers_.bytes().subspan(std::size_t{id} * buffer_bytes_, buffer_bytes_);
}

void UringRing::return_buffer(std::uint16_t id) noexcept {
  io_uring_buf_ring_add(buffer_ring_, buffer(id).data(), buffer_bytes_, id,
                        io_uring_buf_ring_mask(buffer_count_), returned_++);
  ++buffers_available_;
}

Result<> UringRing::submit_and_wait(unsigned count, std::chrono::nanoseconds wait) noexcept {
  if (returned_ > 0) {
    io_uring_buf_ring_advance(buffer_ring_, returned_);
    returned_ = 0;
  }
  ++counters_.enters;
  int status = 0;
  if (wait <= std::chrono::nanoseconds::zero()) {
    status = io_uring_submit_and_get_events(&ring_);
  } else {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    __kernel_timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (wait - seconds).count()};
    io_uring_cqe* cqe = nullptr;
    status = io_uring_submit_and_wait_timeout(&ring_, &cqe, count, &timeout, nullptr);
  }
  const bool passing =
      status >= 0 || status == -ETIME || status == -EINTR || status == -EAGAIN || status == -EBUSY;
  if (!passing) return fail(Code::ring_enter_failed, -status);
  return {};
}

std::size_t UringRing::harvest(std::span<Harvested> harvested) noexcept {
  // io_uring_for_each_cqe() would look at the tail, and at the ring's flags, for each.
  const unsigned ready = io_uring_cq_ready(&ring_);
  const unsigned head = *ring_.cq.khead;
  const unsigned mask = ring_.cq.ring_mask;
  std::size_t count = 0;
  unsigned seen = 0;
  while (seen < ready && count < harvested.size()) {
    const io_uring_cqe& cqe = ring_.cq.cqes[(head + seen++) & mask];
    if (take(cqe, harvested[count])) ++count;
  }
  io_uring_cq_advance(&ring_, seen);
  counters_.completions += seen;
  return count;
}

bool UringRing::take(const io_uring_cqe& cqe, Harvested& out) noexcept {
  Completion completion{.result = cqe.res, .flags = cqe.flags};
  if (completion.has_buffer()) --buffers_available_;
  if (cqe.user_data == user_data_cancel) return false;
  if (cqe.user_data == user_data_wake) {
    arm_wake();
    return false;
  }
  Op* op = Op::of(cqe.user_data);
  if (op == nullptr) {
    ++counters_.stale_completions;
    if (completion.has_buffer()) return_buffer(completion.buffer_id());
    return false;
  }
  if (const auto step = static_cast<std::uint32_t>(cqe.user_data & Op::step_mask); step != 0) {
    completion.flags = step << Completion::step_shift;
  }
  out = {.op = op, .completion = completion};
  return true;
}

std::chrono::nanoseconds UringRing::now() const noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::int64_t UringRing::unix_seconds() const noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return time.tv_sec;
}

} // namespace ringfort::engine
