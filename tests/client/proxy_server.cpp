#include "tests/client/proxy_server.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "tests/peer/server.hpp"

namespace ringfort::client {

/// One connection, and where its tunnel leads.
class ProxyServer::Visit {
public:
  Visit(ProxyServer& proxy, int accepted) : proxy_(proxy), near_(accepted) {
    if (proxy.options_.identity == nullptr) return;
    peer::ServerOptions options;
    options.identity = proxy.options_.identity;
    tls_ = std::make_unique<peer::Server>(options);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    ::close(near_);
    if (far_ >= 0) ::close(far_);
  }

  void serve() {
    while (!text_.contains("\r\n\r\n") && receive()) {}
    const std::string head = text_.substr(0, text_.find("\r\n\r\n") + 4);
    if (!text_.contains("\r\n\r\n")) return;
    proxy_.note(head);
    text_.erase(0, head.size());
    if (!proxy_.options_.refusal.empty()) return answer(proxy_.options_.refusal);
    if (head.starts_with("CONNECT ")) return tunnel(head);
    answer("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(head.size()) + "\r\n\r\n" + head);
  }

private:
  void answer(const std::string& text) {
    send(text);
    while (receive()) {}
  }

  void tunnel(const std::string& head) {
    const std::size_t colon = head.rfind(':', head.find(" HTTP/1.1"));
    std::uint16_t port = 0;
    std::from_chars(head.data() + colon + 1, head.data() + head.size(), port);
    const auto address = engine::SocketAddress::parse("127.0.0.1", port).value();
    far_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(far_, address.data(), address.size()) != 0) {
      return answer("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    }
    send("HTTP/1.1 200 OK\r\n\r\n");
    pump();
  }

  /// Until both have ended, or either has failed.
  void pump() {
    std::array<pollfd, 2> ends{pollfd{near_, POLLIN, 0}, pollfd{far_, POLLIN, 0}};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
      if (::poll(ends.data(), ends.size(), 20'000) < 1) return;
      if (ends[0].revents != 0 && !pass_there()) {
        ::shutdown(far_, SHUT_WR);
        ends[0].fd = -1;
      }
      if (ends[1].revents != 0 && !pass_back()) {
        if (tls_ != nullptr) tls_->close();
        flush();
        ::shutdown(near_, SHUT_WR);
        ends[1].fd = -1;
      }
    }
  }

  bool pass_there() {
    const bool more = receive();
    const std::string text = std::exchange(text_, {});
    (void)!::send(far_, text.data(), text.size(), MSG_NOSIGNAL);
    return more;
  }

  bool pass_back() {
    std::array<char, 65'536> memory;
    const ssize_t bytes = ::recv(far_, memory.data(), memory.size(), 0);
    if (bytes <= 0) return false;
    if (proxy_.options_.resets) {
      constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(near_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      return false;
    }
    send({memory.data(), static_cast<std::size_t>(bytes)});
    return true;
  }

  bool receive() {
    std::array<char, 65'536> memory;
    const ssize_t bytes = ::recv(near_, memory.data(), memory.size(), 0);
    if (bytes <= 0) return false;
    const std::string_view arrived(memory.data(), static_cast<std::size_t>(bytes));
    if (tls_ == nullptr) {
      text_ += arrived;
      return true;
    }
    tls_->deliver(arrived);
    flush();
    text_.append(std::string_view(tls_->received())
                     .substr(std::exchange(taken_bytes_, tls_->received().size())));
    return tls_->failure().empty() && !tls_->closed();
  }

  void send(std::string_view text) {
    if (tls_ == nullptr) {
      (void)!::send(near_, text.data(), text.size(), MSG_NOSIGNAL);
      return;
    }
    tls_->write(text);
    flush();
  }

  void flush() {
    if (tls_ == nullptr) return;
    const std::string outgoing = tls_->take_outgoing();
    (void)!::send(near_, outgoing.data(), outgoing.size(), MSG_NOSIGNAL);
  }

  ProxyServer& proxy_;
  int near_;
  int far_ = -1;
  std::unique_ptr<peer::Server> tls_;
  std::string text_; ///< that came and is not used
  std::size_t taken_bytes_ = 0;
};

ProxyServer::ProxyServer(Options options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

ProxyServer::~ProxyServer() {
  ::shutdown(listener_.descriptor(), SHUT_RDWR); // Ends the wait for one more connection.
  thread_.join();
}

void ProxyServer::run() {
  for (;;) {
    const int accepted = ::accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return;
    visits_.emplace_back([this, accepted] { Visit(*this, accepted).serve(); });
  }
}

void ProxyServer::note(const std::string& head) {
  const std::scoped_lock lock(mutex_);
  heads_.push_back(head);
}

std::vector<std::string> ProxyServer::heads() const {
  const std::scoped_lock lock(mutex_);
  return heads_;
}

} // namespace ringfort::client
