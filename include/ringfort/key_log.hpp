// key_log — the secrets of handshakes, for whoever has to look into recorded traffic.
#pragma once

#include <string_view>

namespace ringfort::tls {

/// Told of each secret. Whoever knows them reads the traffic: nothing is told unless a context is
/// given one of these, and the environment's SSLKEYLOGFILE is not looked at.
class KeyLog {
public:
  /// One line of the NSS key log format, without its end: "CLIENT_RANDOM 52.. 1f..".
  /// Borrow: `line` during the call. Cost: the shard waits for it.
  /// Where: any shard, several at the same time.
  virtual void write(std::string_view line) noexcept = 0;

protected:
  ~KeyLog() = default;
};

} // namespace ringfort::tls
