// tls_client — one TLS 1.3 connection to the server under test, which never blocks.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace storm {

using Clock = std::chrono::steady_clock;
using ContextOwner = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

/// TLS 1.3, one suite and X25519. The certificate is not verified, its signature is; no session is
/// ever offered, so each handshake is a full one.
inline ContextOwner make_context(const char* suite) {
  ContextOwner context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context.get(), suite);
  SSL_CTX_set1_groups_list(context.get(), "X25519");
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

class TlsClient {
public:
  enum class Progress : std::uint8_t { done, waits, failed };

  TlsClient(SSL_CTX* context, std::uint16_t port)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        ssl_(SSL_new(context), SSL_free) {
    const int one = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    SSL_set_fd(ssl_.get(), descriptor_);
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    SSL_set_connect_state(ssl_.get());
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() { ::close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }
  /// What to poll(2) for. At first: until it is connected.
  short events() const noexcept { return !began_ || SSL_want_write(ssl_.get()) ? POLLOUT : POLLIN; }

  Progress shake_hands() noexcept {
    began_ = true;
    return progress_of(SSL_do_handshake(ssl_.get()));
  }

  /// Small enough for any socket buffer. False when the connection is gone.
  bool ask() noexcept {
    constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    answer_.clear();
    return SSL_write(ssl_.get(), get.data(), get.size()) == static_cast<int>(get.size());
  }

  Progress read_answer(std::string_view end) {
    std::array<char, 4'096> piece;
    while (true) {
      const int bytes = SSL_read(ssl_.get(), piece.data(), piece.size());
      if (bytes <= 0) return progress_of(bytes);
      answer_.append(piece.data(), static_cast<std::size_t>(bytes));
      if (answer_.ends_with(end)) return Progress::done;
    }
  }

private:
  Progress progress_of(int result) const noexcept {
    if (result > 0) return Progress::done;
    const int error = SSL_get_error(ssl_.get(), result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Progress::waits
                                                                         : Progress::failed;
  }

  int descriptor_;
  bool began_ = false;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string answer_;
};

} // namespace storm
