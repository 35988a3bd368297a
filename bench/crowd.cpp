// crowd — many connections that are kept, and requests over some of them:
//   crowd PORT CONNECTIONS_COUNT tls|plain
//
// Opens them one after the other, asks once on each, and says "open". Then it does what its input
// says, a line each: "rest MS" waits; "stay COUNT" asks so often over 64 connections, the same
// all the time, spread among the others; "turn COUNT" asks over all of them in turn, 64 at once;
// "mark" runs the no-op of bench/emulated/mark.c. An asking ends with "N requests in S s", and any
// failure with the process. Certificates are not judged.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view answer_end = "Hello, world!";
constexpr std::size_t active_count = 64;
// Prime, so that connections whose turn follows were not opened one after the other.
constexpr std::size_t turn_step = 7'919;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

void mark() {
#if defined(__x86_64__)
  __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x78, 0x56, 0x34, 0x12");
#endif
}

int connected(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  constexpr int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    give_up("connect");
  }
  return descriptor;
}

class Connection {
public:
  /// Without a context in clear text.
  Connection(std::uint16_t port, SSL_CTX* context)
      : descriptor_(connected(port)),
        ssl_(context == nullptr ? nullptr : SSL_new(context), SSL_free) {
    if (!ssl_) return;
    SSL_set_fd(ssl_.get(), descriptor_);
    if (SSL_connect(ssl_.get()) != 1) give_up("handshake");
  }

  void ask() {
    const auto bytes = request.size();
    const auto sent = ssl_ ? SSL_write(ssl_.get(), request.data(), static_cast<int>(bytes))
                           : ::write(descriptor_, request.data(), bytes);
    if (std::cmp_not_equal(sent, bytes)) give_up("request");
    asked_ = true;
  }

  /// Answers whether the answer is here whole.
  bool receive() {
    char piece[4'096];
    const auto bytes =
        ssl_ ? SSL_read(ssl_.get(), piece, sizeof piece) : ::read(descriptor_, piece, sizeof piece);
    if (bytes <= 0) give_up("answer");
    answer_.append(piece, static_cast<std::size_t>(bytes));
    if (!answer_.ends_with(answer_end)) return false;
    answer_.clear();
    asked_ = false;
    return true;
  }

  /// From here on receive() waits for nothing.
  void watch(int poll) {
    ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor_, &event) != 0) give_up("epoll_ctl");
  }

  bool asked() const noexcept { return asked_; }

private:
  int descriptor_; // Until the process ends.
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::string answer_;
  bool asked_ = false;
};

class Crowd {
public:
  Crowd(std::uint16_t port, std::size_t count, SSL_CTX* context) : poll_(::epoll_create1(0)) {
    connections_.reserve(count); // They are pointed at.
    while (connections_.size() < count) {
      Connection& one = connections_.emplace_back(port, context);
      one.ask();
      while (!one.receive()) {}
      one.watch(poll_);
    }
  }

  void stay(std::uint64_t request_count) {
    const std::size_t stride = connections_.size() / active_count;
    const auto first = [&](std::size_t lane) { return &connections_[lane * stride]; };
    run(request_count, first, [](Connection* answered) { return answered; });
  }

  void turn(std::uint64_t request_count) {
    const auto next = [this](auto) {
      turn_ = (turn_ + turn_step) % connections_.size();
      return &connections_[turn_];
    };
    run(request_count, next, next);
  }

private:
  void run(std::uint64_t request_count, auto first, auto next) {
    const auto begin = Clock::now();
    std::uint64_t asked_count = 0, answered_count = 0;
    const auto ask = [&](Connection* one) {
      if (one->asked()) give_up("its turn came too early");
      one->ask();
      ++asked_count;
    };
    for (std::size_t lane = 0; lane < active_count; ++lane) ask(first(lane));
    epoll_event events[active_count];
    while (answered_count < request_count) {
      const int ready = ::epoll_wait(poll_, events, active_count, -1);
      for (int index = 0; index < ready; ++index) {
        auto* one = static_cast<Connection*>(events[index].data.ptr);
        if (!one->receive()) continue;
        ++answered_count;
        if (asked_count < request_count) ask(next(one));
      }
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    std::printf("%llu requests in %.3f s\n", static_cast<unsigned long long>(answered_count),
                took.count());
    std::fflush(stdout);
  }

  int poll_;
  std::vector<Connection> connections_;
  std::size_t turn_ = 0;
};

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 4) {
    std::fputs("usage: crowd PORT CONNECTIONS_COUNT tls|plain\n", stderr);
    return 64;
  }
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  const auto count = std::strtoull(arguments[2], nullptr, 10);
  Crowd crowd(static_cast<std::uint16_t>(std::atoi(arguments[1])), count,
              arguments[3] == std::string_view("tls") ? context.get() : nullptr);
  std::puts("open");
  std::fflush(stdout);
  std::string order;
  while (std::cin >> order) {
    std::uint64_t amount = 0;
    if (order != "mark") std::cin >> amount;
    if (order == "mark") mark();
    if (order == "rest") std::this_thread::sleep_for(std::chrono::milliseconds(amount));
    if (order == "stay") crowd.stay(amount);
    if (order == "turn") crowd.turn(amount);
  }
}
