// uring_records — the ring's calls for sockets whose TLS records the kernel protects.
#include "engine/uring_ring.hpp"

#include <cerrno>
#include <cstring>

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

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

int UringRing::enable_records(int descriptor) noexcept {
  const int result = answer(::setsockopt(descriptor, IPPROTO_TCP, TCP_ULP, "tls", 3));
  return result == -EEXIST ? 0 : result;
}

int UringRing::set_record_keys(int descriptor, RecordSide side, Bytes keys) noexcept {
  return answer(::setsockopt(descriptor, level_tls, side == RecordSide::send ? TLS_TX : TLS_RX,
                             keys.data(), static_cast<socklen_t>(keys.size())));
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
  if (enable_records(tried) < 0) return -ENOPROTOOPT;
  if (const int result = set_record_keys(tried, side, keys); result < 0) return result;
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
  for (const RecordSide side : {RecordSide::send, RecordSide::receive}) {
    if (const int result = enable_records(pair.near()); result < 0) return result;
    for (int turn = 0; turn < 2; ++turn) {
      const int result = set_record_keys(pair.near(), side, keys);
      if (result < 0) return result;
    }
  }
  return 0;
}

} // namespace ringfort::engine
