// proxy_server — an HTTP proxy, in clear text or over TLS, on threads of its own over loopback.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ringfort/tls.hpp>

#include "tests/unit/engine/loopback.hpp"

namespace ringfort::client {

/// Whatever host a tunnel is asked for, it leads to that port of this machine. A request that is
/// told whole is answered 200 with its own head.
class ProxyServer {
public:
  struct Options {
    const tls::Identity* identity = nullptr; ///< null: clear text
    std::string refusal = {};                ///< what is answered instead of a tunnel
    bool resets = false;                     ///< each tunnel, with the first bytes that come back
  };

  explicit ProxyServer(Options options);
  ProxyServer() : ProxyServer(Options()) {}
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;
  ~ProxyServer();

  std::uint16_t port() const noexcept { return listener_.address().port(); }
  /// Of all requests that came so far.
  std::vector<std::string> heads() const;

private:
  class Visit;

  void run();
  void note(const std::string& head);

  Options options_;
  engine::LoopbackListener listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::vector<std::jthread> visits_;
  std::thread thread_;
};

} // namespace ringfort::client
