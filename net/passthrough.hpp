// passthrough — the far side of a connection that is not opened here: it finds a server, hands it
// the hello as it came, and joins both streams.
//
//   dialing   servers are tried, one after the other; what the client sends waits
//   passing   bytes go both ways, from the buffers that they were received in
//   settling  much goes one way: that is received no more, and what was is sent on; then likewise
//             the other way, or, where that is not quiet, back to passing
//   splicing  the kernel moves them, through a pipe each way, when the ring says that some came
//   stopped   every operation is cancelled, or there is none
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ringfort/observer.hpp>

#include "net/connection_deadlines.hpp"
#include "net/dial.hpp"
#include "net/passthrough_routes.hpp"
#include "net/stream.hpp"

namespace ringfort::net {

class ServerConnection;

/// Where: one shard. Living inside its client's connection, which is not over before what is under
/// way here is: see ServerConnection::hold_open().
class Passthrough final : public StreamOwner, public DialOwner {
public:
  Passthrough(ServerConnection& client, LiveRoute& route, std::uint64_t peer_hash);
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;
  ~Passthrough();

  /// Tries the first server. ServerConnection::on_unreachable() follows when none takes it.
  void start() noexcept;
  /// Moves what can be moved, ends of streams too. After anything that the client's stream told.
  void move() noexcept;
  /// The client's stream is broken.
  void on_client_broken(int error_number) noexcept;
  void stop(bool reset) noexcept;

  /// A server has it.
  bool passing() const noexcept { return far_ && state_ != State::stopped; }
  /// "10.0.0.9:443"; empty while nobody has taken the connection. Allocates.
  std::string server() const;
  /// What the client asked for, as it wrote it.
  const std::string& server_name() const noexcept { return server_name_; }
  /// What waits here for the client to take it, and for the server, but for receive buffers.
  std::size_t piped_bytes() const noexcept {
    return up_.pipe.held_bytes() + down_.pipe.held_bytes();
  }
  /// Both directions have come to their ends.
  bool whole() const noexcept { return up_.ended && down_.ended; }
  /// When one of them will have taken nothing of what it is sent for so long: what is received here
  /// lies in the shard's buffers until then.
  std::chrono::nanoseconds stalled_at(std::chrono::nanoseconds timeout) const noexcept;

  void on_connected(Dial& dial, int descriptor,
                    const engine::SocketAddress& address) noexcept override;
  void on_failed(Dial& dial, const Error& error) noexcept override;
  void release(Dial& dial) noexcept override;

  void on_received() noexcept override { move(); }
  void on_sent() noexcept override { move(); }
  bool waits_for_sent() const noexcept override { return true; }
  void on_installed(engine::Completion) noexcept override {}
  void on_broken(int error_number) noexcept override;
  void on_settled() noexcept override;

private:
  enum class State : std::uint8_t { dialing, passing, settling, splicing, stopped };

  /// False: nobody is left to try.
  bool try_next() noexcept;
  void leave_server() noexcept;
  Result<> introduce() noexcept;
  struct Direction {
    /// Whether what has come since it last said so, up to `received_bytes`, is much, in large
    /// pieces. After each piece.
    bool carries_much(std::uint64_t received_bytes, std::uint64_t piece_bytes_min) noexcept;

    std::chrono::nanoseconds sending_since = ConnectionDeadlines::never; ///< without progress
    std::uint64_t seen_bytes = 0;
    std::uint64_t counted_bytes = 0; ///< received, when pieces were last counted from 0
    unsigned pieces = 0;
    bool ended = false;
    engine::Pipe pipe; ///< from where splicing is decided on
  };
  void forward(Stream& from, Stream& to, Direction& direction) noexcept;
  void splice(Stream& from, Stream& to, Direction& direction) noexcept;
  void note_sending(Direction& direction, bool sends, bool progressed) noexcept;
  void pass_end_on(const Stream& from, Stream& to, Direction& direction) noexcept;
  void begin_settling(bool up) noexcept;
  void settle() noexcept;
  void end_settling() noexcept;
  void begin_splicing() noexcept;
  std::uint64_t progress() const noexcept;

  ServerConnection& client_;
  LiveRoute& route_;
  std::uint64_t peer_hash_;
  State state_ = State::dialing;
  UpstreamSet tried_ = 0;
  unsigned tries_ = 0;
  std::optional<std::size_t> place_; ///< of the server, while it has the connection or is tried
  Error error_{.code = Code::passthrough_no_server}; ///< of the last one that was tried
  std::string server_name_;
  std::string protocol_; ///< empty: not known
  engine::SocketAddress server_;
  std::string server_path_; ///< of a unix socket, instead
  std::unique_ptr<Dial> dial_;
  std::optional<Stream> far_;
  Direction up_;
  Direction down_;
  bool settles_up_ = false;             ///< what carries much goes to the server
  bool holds_both_ = false;             ///< settling has come to the other way
  std::uint64_t progress_ = UINT64_MAX; ///< that the connection was last told of; none yet
};

} // namespace ringfort::net
