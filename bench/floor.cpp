// floor — the least that any server over io_uring can spend on a request: a raw ring, one receive
// and one send for each, a fixed answer. No parser, no limits, no timeouts, no error handling worth
// the name; with CERT and KEY, Ringfort's record layer besides, with OpenSSL's handshake before it.
//   floor PORT [CERT KEY]
//
// Every receive that ends in an empty line is taken for one whole request.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/channel.hpp"
#include "tls/session.hpp"

namespace ringfort {
namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "content-length: 13\r\n\r\nHello, world!";
constexpr unsigned buffer_count = 1'024;
constexpr unsigned buffer_bytes = 16'384;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// One connection, known to the ring by its address; the last bit of user_data tells a send.
struct Connection {
  int descriptor = -1;
  unsigned sends = 0; ///< that the kernel has not completed
  bool ended = false;
  std::unique_ptr<tls::Session> session;
  std::optional<tls::Channel> channel;
  std::array<std::byte, 4'096> out;
};

/// Both null: clear text.
struct TlsSide {
  std::unique_ptr<tls::Library> library;
  std::shared_ptr<const tls::ShardContext> context;
};

class Floor {
public:
  Floor(std::uint16_t port, TlsSide tls)
      : tls_(std::move(tls)), memory_(buffer_count * buffer_bytes) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                       IORING_SETUP_CQSIZE | IORING_SETUP_NO_SQARRAY;
    parameters.cq_entries = 8'192;
    if (io_uring_queue_init_params(1'024, &ring_, &parameters) < 0) give_up("io_uring_setup");
    io_uring_register_ring_fd(&ring_);
    int status = 0;
    buffers_ = io_uring_setup_buf_ring(&ring_, buffer_count, 0, 0, &status);
    if (buffers_ == nullptr) give_up("buffer ring");
    for (unsigned id = 0; id < buffer_count; ++id) give_back(static_cast<std::uint16_t>(id));
    listen_on(port);
  }

  [[noreturn]] void run() {
    io_uring_sqe* accepting = next();
    io_uring_prep_multishot_accept(accepting, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    accepting->user_data = 0;
    while (true) {
      // Completes the sends just queued and waits for one receive more, as the engine does.
      io_uring_cqe* first = nullptr;
      __kernel_timespec bound{.tv_sec = 0, .tv_nsec = 200'000};
      io_uring_submit_and_wait_timeout(&ring_, &first, sends_ + 1, sends_ > 0 ? &bound : nullptr,
                                       nullptr);
      sends_ = 0;
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        ++count;
        on_completion(*cqe);
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

private:
  void listen_on(std::uint16_t port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    constexpr int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_, generic, sizeof address) != 0 || ::listen(listener_, 4'096) != 0) {
      give_up("listen");
    }
  }

  io_uring_sqe* next() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    if (sqe == nullptr) give_up("submission queue");
    return sqe;
  }

  void give_back(std::uint16_t id) {
    io_uring_buf_ring_add(buffers_, memory_.data() + std::size_t{id} * buffer_bytes, buffer_bytes,
                          id, buffer_count - 1, 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  void on_completion(const io_uring_cqe& cqe) {
    if (cqe.user_data == 0) return on_accept(cqe.res);
    auto* connection = reinterpret_cast<Connection*>(cqe.user_data & ~std::uint64_t{1});
    if ((cqe.user_data & 1) != 0) {
      --connection->sends;
    } else {
      on_receive(*connection, cqe);
    }
    if (!connection->ended || connection->sends > 0) return;
    ::close(connection->descriptor);
    delete connection;
  }

  void on_accept(int descriptor) {
    if (descriptor < 0) give_up("accept");
    auto* connection = new Connection;
    connection->descriptor = descriptor;
    if (tls_.context != nullptr) {
      connection->session = std::make_unique<tls::Session>(*tls_.library, std::time(nullptr));
    }
    receive(*connection);
  }

  void receive(Connection& connection) {
    io_uring_sqe* sqe = next();
    io_uring_prep_recv_multishot(sqe, connection.descriptor, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->user_data = reinterpret_cast<std::uintptr_t>(&connection);
  }

  void send(Connection& connection, Bytes bytes) {
    io_uring_sqe* sqe = next();
    io_uring_prep_send(sqe, connection.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    sqe->user_data = reinterpret_cast<std::uintptr_t>(&connection) | 1;
    ++connection.sends;
    ++sends_;
  }

  void on_receive(Connection& connection, const io_uring_cqe& cqe) {
    if (cqe.res > 0) {
      const auto id = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
      const MutableBytes input{memory_.data() + std::size_t{id} * buffer_bytes,
                               static_cast<std::size_t>(cqe.res)};
      take(connection, input);
      give_back(id);
      if ((cqe.flags & IORING_CQE_F_MORE) == 0) receive(connection);
    } else {
      connection.ended = true;
    }
  }

  void take(Connection& connection, MutableBytes input) {
    if (connection.session != nullptr) input = shake_hands(connection, input);
    if (input.empty()) return;
    if (!connection.channel) {
      if (text_of(input).ends_with("\r\n\r\n")) send(connection, bytes_of(answer));
      return;
    }
    const auto opened = connection.channel->receive(input); // One whole record, it is hoped.
    if (!opened) return;
    if (!text_of(opened->plaintext).ends_with("\r\n\r\n")) return;
    const Bytes piece = bytes_of(answer);
    const auto sealed = connection.channel->seal({&piece, 1}, connection.out);
    send(connection, Bytes(connection.out).first(*sealed));
  }

  /// What is left of the input belongs to the channel.
  MutableBytes shake_hands(Connection& connection, MutableBytes input) {
    auto progress = connection.session->receive(input);
    if (progress && progress->wants == tls::Session::Wants::context) {
      connection.session->use(tls_.context);
      progress = connection.session->receive(input.subspan(progress->consumed_bytes));
    }
    const Bytes output = connection.session->output();
    // A plain call: the handshake is not what is measured.
    if (!output.empty()) (void)!::send(connection.descriptor, output.data(), output.size(), 0);
    connection.session->output_sent(output.size());
    if (!progress) return {};
    if (progress->wants == tls::Session::Wants::nothing) {
      connection.channel.emplace(
          *tls::Channel::create(*tls_.library, *connection.session->take_keys()));
      connection.session.reset();
    }
    return input.subspan(progress->consumed_bytes);
  }

  TlsSide tls_;
  std::vector<std::byte> memory_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  int listener_ = -1;
  unsigned sends_ = 0;
};

TlsSide tls_side_of(const char* chain, const char* key) {
  tls::ContextOptions options;
  options.identities.push_back(*tls::load_identity(chain, key));
  const auto context = tls::Context::create(std::move(options));
  if (!context) return {};
  auto library = *tls::Library::create();
  auto copy = *tls::ShardContext::create(*library, *context);
  return {std::move(library), std::move(copy)};
}

} // namespace
} // namespace ringfort

int main(int argument_count, char** arguments) {
  if (argument_count != 2 && argument_count != 4) {
    std::fputs("usage: floor PORT [CERT KEY]\n", stderr);
    return 64;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  ringfort::TlsSide tls;
  if (argument_count == 4) tls = ringfort::tls_side_of(arguments[2], arguments[3]);
  ringfort::Floor(port, std::move(tls)).run();
}
