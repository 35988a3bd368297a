// end — one of our ends over memory: a handshake until it is over, then a channel.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/peer/end.hpp"
#include "tls/channel.hpp"
#include "tls/handshake.hpp"

namespace ringfort::tls {

class PairEnd {
public:
  PairEnd(const PairEnd&) = delete;
  PairEnd& operator=(const PairEnd&) = delete;

  /// Takes bytes as they arrive, in any cut. After a failure nothing more is taken.
  void deliver(std::string_view bytes);
  std::string take_outgoing();
  void write(std::string_view text);
  void close();

  bool secured() const noexcept { return channel_.has_value(); }
  bool closed() const noexcept { return closed_; }
  const std::string& received() const noexcept { return received_; }
  const std::optional<Error>& failure() const noexcept { return failure_; }

protected:
  PairEnd(std::shared_ptr<const Library> library, Side side, const ChannelLimits& limits)
      : library_(std::move(library)), side_(side), limits_(limits) {}
  virtual ~PairEnd() = default;

  const Library& library() const noexcept { return *library_; }
  void fail_with(const Error& error);
  void take_handshake_output();

private:
  virtual Handshake& handshake() = 0;
  /// False: none answers.
  virtual bool choose_context() { return false; }
  /// The handshake is over, and the channel is there.
  virtual void on_secured() = 0;
  /// A record was opened; `sealed` is it as it came.
  virtual void on_opened(Channel::Kind, std::string_view) {}

  bool shake_hands();
  bool open_record();
  void take_control();

  std::shared_ptr<const Library> library_;
  Side side_;
  ChannelLimits limits_;
  std::optional<Channel> channel_;
  std::string waiting_;
  std::string outgoing_;
  std::string received_;
  std::optional<Error> failure_;
  bool closed_ = false;
};

/// Brings bytes to and fro until neither side has any left, `cut_bytes` at a time.
template <class Server, class Client>
void converse(Server& server, Client& client, std::size_t cut_bytes = SIZE_MAX) {
  const auto bring = [cut_bytes](auto& from, auto& to) {
    const std::string bytes = from.take_outgoing();
    for (std::size_t at = 0; at < bytes.size(); at += std::min(cut_bytes, bytes.size())) {
      to.deliver(std::string_view(bytes).substr(at, cut_bytes));
    }
    return !bytes.empty();
  };
  bool moved = true;
  while (moved) {
    moved = bring(client, server);
    moved = bring(server, client) || moved;
  }
}

} // namespace ringfort::tls
