// uring_records — the ring's calls for sockets whose TLS records the kernel protects.
#include "engine/uring_ring.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringfort/check.hpp>

namespace ringfort::engine {

namespace {

constexpr int level_tls = 282; // SOL_TLS (linux/socket.h, which is no header for programs)

int answer(long result) noexcept { return result < 0 ? -errno : static_cast<int>(result); }

/// Two connected TCP sockets that belong to nobody else; neither waits for ever.
class Pair {
public:
  Pair() noexcept {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    near_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = ::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 &&
                           ::getsockname(listener, generic, &size) == 0 &&
                           ::connect(near_, generic, size) == 0;
    if (connected) far_ = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    for (const int end : {near_, far_}) {
      (void)::setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(near_);
    if (far_ >= 0) ::close(far_);
  }
  bool connected() const noexcept { return far_ >= 0; }
  int near() const noexcept { return near_; }
  int far() const noexcept { return far_; }

private:
  int near_ = -1;
  int far_ = -1;
};

} // namespace

// ---------------------------------------------------------------------------- installing

namespace {

/// One setsockopt(2) of an installation.
struct Option {
  RecordStep step;
  int level;
  int name;
  Bytes value;
};

/// An installation's, in their order.
class Options {
public:
  explicit Options(const RecordInstall& install) noexcept {
    if (install.protocol) add({RecordStep::protocol, IPPROTO_TCP, TCP_ULP, bytes_of("tls")});
    if (!install.send_keys.empty()) {
      add({RecordStep::send, level_tls, TLS_TX, install.send_keys});
    }
    if (!install.receive_keys.empty()) {
      add({RecordStep::receive, level_tls, TLS_RX, install.receive_keys});
    }
    RINGFORT_CHECK(count_ > 0);
  }
  std::span<const Option> all() const noexcept { return std::span(options_).first(count_); }

private:
  void add(const Option& option) noexcept { options_[count_++] = option; }

  std::array<Option, 3> options_;
  std::size_t count_ = 0;
};

int set(int descriptor, const Option& option) noexcept {
  return answer(::setsockopt(descriptor, option.level, option.name, option.value.data(),
                             static_cast<socklen_t>(option.value.size())));
}

/// By calls, up to the first that fails.
Completion install_by_calls(int descriptor, const Options& options, Counter& calls) noexcept {
  Completion last{};
  for (const Option& option : options.all()) {
    ++calls;
    last = {.result = set(descriptor, option),
            .flags = static_cast<std::uint32_t>(option.step) << Completion::step_shift};
    if (last.result < 0) break;
  }
  return last;
}

} // namespace

bool UringRing::knows_socket_options(io_uring& probe) noexcept {
  // TCP, which it is for: some kernels refuse the command on sockets whose protocol has no ioctl.
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int value = 1;
  io_uring_sqe* sqe = io_uring_get_sqe(&probe);
  RINGFORT_CHECK(sqe != nullptr); // The queue has room for each question.
  io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, socket, SOL_SOCKET, SO_KEEPALIVE, &value,
                         sizeof value);
  const bool known = ask(probe) == 0;
  ::close(socket);
  return known;
}

// A failed link cancels those behind it. Only the last of a chain posts when it succeeds, and one
// that was not to post takes the cancelled ones' completions with it when it fails
// (io_uring_enter(2), IOSQE_CQE_SKIP_SUCCESS): so there is one completion, whatever happens, and
// its step says whose it is.
std::optional<Completion> UringRing::install_records(Op& op, int descriptor,
                                                     const RecordInstall& install) noexcept {
  const Options options(install);
  if (!features_.socket_options) {
    return install_by_calls(descriptor, options, counters_.record_calls);
  }
  reserve(static_cast<unsigned>(options.all().size()));
  const std::uint64_t user_data = op.arm();
  for (const Option& option : options.all()) {
    io_uring_sqe& sqe = next_sqe();
    io_uring_prep_cmd_sock(&sqe, SOCKET_URING_OP_SETSOCKOPT, descriptor, option.level, option.name,
                           const_cast<std::byte*>(option.value.data()),
                           static_cast<int>(option.value.size()));
    const bool last = &option == &options.all().back();
    if (!last) sqe.flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = user_data | static_cast<std::uint64_t>(option.step);
  }
  return {};
}

int UringRing::replace_record_keys(int descriptor, RecordSide side, Bytes keys) noexcept {
  ++counters_.record_calls;
  return set(descriptor, side == RecordSide::send
                             ? Option{RecordStep::send, level_tls, TLS_TX, keys}
                             : Option{RecordStep::receive, level_tls, TLS_RX, keys});
}

int UringRing::receive_control(int descriptor, ControlRecord& record) noexcept {
  iovec piece{record.content.data(), record.content.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = record.message.data();
  message.msg_controllen = record.message.size();
  const int result = answer(::recvmsg(descriptor, &message, MSG_DONTWAIT));
  record.type = 0;
  record.size = 0;
  if (result < 0 && result != -EAGAIN) {
    // The error lies on the socket too, where the next send would meet it; asked for, it is gone.
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (result <= 0) return result;
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control != nullptr && control->cmsg_level == level_tls &&
      control->cmsg_type == TLS_GET_RECORD_TYPE) {
    std::memcpy(&record.type, CMSG_DATA(control), sizeof record.type);
  }
  record.size = static_cast<std::uint8_t>(result);
  return result;
}

void UringRing::send_control(Op& op, int descriptor, ControlRecord& record) noexcept {
  static_assert(CMSG_SPACE(sizeof record.type) <= sizeof record.message);
  auto* control = reinterpret_cast<cmsghdr*>(record.message.data());
  control->cmsg_level = level_tls;
  control->cmsg_type = TLS_SET_RECORD_TYPE;
  control->cmsg_len = CMSG_LEN(sizeof record.type);
  std::memcpy(CMSG_DATA(control), &record.type, sizeof record.type);
  io_uring_sqe& sqe = next_sqe();
  Message& message = next_message();
  message.piece = {record.content.data(), record.size};
  message.header.msg_iov = &message.piece;
  message.header.msg_iovlen = 1;
  message.header.msg_control = control;
  message.header.msg_controllen = CMSG_SPACE(sizeof record.type);
  io_uring_prep_sendmsg(&sqe, descriptor, &message.header, MSG_NOSIGNAL);
  sqe.user_data = op.arm();
  ++counters_.sends;
}

// ---------------------------------------------------------------------------- trying

// The socket's own end must not be trusted: with the protocol set but no cipher behind it, a send
// goes out in clear text. So what counts is what the other end sees.
int UringRing::try_record_keys(RecordSide side, Bytes keys, Bytes in, MutableBytes out) noexcept {
  const Pair pair;
  if (!pair.connected()) return -ENOTCONN;
  const bool seals = side == RecordSide::send;
  const int tried = seals ? pair.near() : pair.far();
  RecordInstall install{.protocol = true};
  (seals ? install.send_keys : install.receive_keys) = keys;
  if (const Completion end = install_by_calls(tried, Options(install), counters_.record_calls);
      end.result < 0) {
    return end.step() == static_cast<std::uint32_t>(RecordStep::protocol) ? -ENOPROTOOPT
                                                                          : end.result;
  }
  if (const int sent = answer(::send(pair.near(), in.data(), in.size(), MSG_NOSIGNAL)); sent < 0) {
    return sent;
  }
  (void)::shutdown(pair.near(), SHUT_WR);
  std::size_t received = 0;
  while (received < out.size()) {
    const int result = answer(::recv(pair.far(), out.data() + received, out.size() - received, 0));
    if (result < 0) return result;
    if (result == 0) break;
    received += static_cast<std::size_t>(result);
  }
  return static_cast<int>(received);
}

int UringRing::try_rekey(Bytes keys) noexcept {
  const Pair pair;
  if (!pair.connected()) return -ENOTCONN;
  RecordInstall install{.protocol = true, .send_keys = keys, .receive_keys = keys};
  for (int turn = 0; turn < 2; ++turn) {
    const Completion end = install_by_calls(pair.near(), Options(install), counters_.record_calls);
    if (end.result < 0) return end.result;
    install.protocol = false;
  }
  return 0;
}

} // namespace ringfort::engine
