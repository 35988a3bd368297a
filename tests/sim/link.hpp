// link — one TCP connection of a simulated world: two bounded pipes and what each end knows.
//
// The server's end answers as tcp(7) does: what was received before an RST may still be read, the
// error is told once, then a receive answers 0 and a send EPIPE.
#pragma once

#include <cstdint>
#include <vector>

#include <ringfort/bytes.hpp>

#include "engine/socket_address.hpp"

namespace ringfort::sim {

class Peer;
class World;

/// One direction: bytes in order, then perhaps a FIN.
class Pipe {
public:
  explicit Pipe(std::size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  std::size_t size() const noexcept { return bytes_.size() - begin_; }
  std::size_t room() const noexcept {
    return size() < capacity_bytes_ ? capacity_bytes_ - size() : 0;
  }
  Bytes front() const noexcept { return Bytes(bytes_).subspan(begin_); }
  void push(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void pop(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ < bytes_.size() && begin_ < 4096) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  /// Forgets all but the oldest `kept` bytes.
  void cut(std::size_t kept) { bytes_.resize(begin_ + kept); }

  bool finished = false; ///< a FIN follows the bytes

private:
  std::size_t capacity_bytes_;
  std::size_t begin_ = 0;
  std::vector<std::byte> bytes_;
};

/// What a client's receive found.
struct Arrival {
  std::size_t bytes = 0;
  bool ended = false; ///< FIN
  bool reset = false; ///< RST
};

class Link {
public:
  Link(World& world, Peer& peer, engine::SocketAddress address);

  // The client's end.
  /// How many bytes the network took; 0 when it is full or the connection is lost.
  std::size_t client_send(Bytes bytes);
  Arrival client_receive(MutableBytes into);
  bool client_was_reset() const noexcept { return client_reset_; }
  bool client_can_send() const noexcept;
  bool client_can_receive() const noexcept;
  void client_finish(); ///< FIN
  void client_close();  ///< whatever arrives later is answered with RST
  void client_abort();  ///< RST
  bool accepted() const noexcept { return accepted_; }
  /// The server closed its end, orderly or not.
  bool server_gone() const noexcept { return server_closed_; }
  /// Something outside the server's power broke this connection.
  bool disturbed() const noexcept { return disturbed_; }

  // The server's end, for the ring.
  void server_accept() noexcept { accepted_ = true; }
  bool server_readable() const noexcept;
  bool server_writable() const noexcept;
  /// Byte count, 0 at the end, or -errno. Only when readable.
  int server_receive(MutableBytes into, std::size_t bytes_max);
  std::size_t server_unread_bytes() const noexcept { return to_server_.size(); }
  /// The client's FIN has come, or its RST.
  bool server_half_closed() const noexcept { return to_server_.finished || server_dead_; }
  /// Byte count or -errno. Only when writable.
  int server_send(Bytes bytes);
  /// The same, beyond what the socket holds.
  int server_send_all(Bytes bytes);
  /// The connection breaks under the server with that error, through nobody's fault.
  void disturb(int error_number);
  /// One call on it failed, and the connection lives.
  void blame_nobody() noexcept { disturbed_ = true; }
  void server_finish();
  void server_close();
  void server_abort();
  bool server_finished() const noexcept { return to_client_.finished; }
  const engine::SocketAddress& address() const noexcept { return address_; }

private:
  void reset_server(int error_number);
  void reset_client();
  int take_error() noexcept;

  World& world_;
  Peer& peer_;
  engine::SocketAddress address_;
  Pipe to_server_;
  Pipe to_client_;
  int server_error_ = 0; ///< told once, by whichever call comes first
  bool server_dead_ = false;
  bool server_closed_ = false;
  bool client_reset_ = false;
  bool client_closed_ = false;
  bool accepted_ = false;
  bool disturbed_ = false;
};

} // namespace ringfort::sim
