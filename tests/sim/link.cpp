#include "tests/sim/link.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/sim/world.hpp"

namespace ringfort::sim {

Link::Link(World& world, Peer& peer, engine::SocketAddress address)
    : world_(world), peer_(peer), address_(address), to_server_(world.knobs().receive_socket_bytes),
      to_client_(world.knobs().send_socket_bytes) {}

std::size_t Link::client_send(Bytes bytes) {
  if (client_reset_ || client_closed_) return 0;
  if (server_closed_) { // Nobody is there any more: RST (RFC 9293 section 3.10.7.1).
    reset_client();
    return 0;
  }
  const std::size_t taken = std::min(bytes.size(), to_server_.room());
  to_server_.push(bytes.first(taken));
  return taken;
}

Arrival Link::client_receive(MutableBytes into) {
  const std::size_t bytes = std::min(into.size(), to_client_.size());
  copy_into(into, to_client_.front().first(bytes));
  to_client_.pop(bytes);
  Arrival arrival{.bytes = bytes};
  if (bytes == 0) {
    arrival.reset = client_reset_;
    arrival.ended = !client_reset_ && to_client_.finished;
  }
  return arrival;
}

bool Link::client_can_send() const noexcept {
  return !client_reset_ && (server_closed_ || to_server_.room() > 0);
}

bool Link::client_can_receive() const noexcept {
  return to_client_.size() > 0 || to_client_.finished || client_reset_;
}

void Link::client_finish() { to_server_.finished = true; }

void Link::client_close() {
  client_closed_ = true;
  to_server_.finished = true;
  if (to_client_.size() > 0) reset_server(ECONNRESET); // tcp(7): unread data at close means RST.
}

void Link::client_abort() {
  client_closed_ = true;
  reset_server(ECONNRESET);
}

void Link::reset_server(int error_number) {
  if (server_dead_ || server_closed_) return;
  server_dead_ = true;
  server_error_ = error_number;
  to_client_.cut(0);
  if (world_.prng().chance(world_.knobs().reset_drops_per_mille)) to_server_.cut(0);
}

void Link::reset_client() {
  if (client_reset_ || client_closed_) return;
  client_reset_ = true;
  // What was still under way is lost, and it is not known how much that was.
  if (world_.prng().chance(world_.knobs().reset_drops_per_mille)) {
    to_client_.cut(world_.prng().below(to_client_.size() + 1));
  }
  world_.poke(peer_);
}

bool Link::server_readable() const noexcept {
  return to_server_.size() > 0 || to_server_.finished || server_dead_;
}

bool Link::server_writable() const noexcept {
  return server_dead_ || client_closed_ || to_client_.room() > 0;
}

int Link::take_error() noexcept { return -std::exchange(server_error_, 0); }

int Link::server_receive(MutableBytes into, std::size_t bytes_max) {
  const std::size_t bytes = std::min({into.size(), bytes_max, to_server_.size()});
  if (bytes == 0) return take_error();
  copy_into(into, to_server_.front().first(bytes));
  to_server_.pop(bytes);
  world_.poke(peer_);
  return static_cast<int>(bytes);
}

int Link::server_send(Bytes bytes) {
  return server_send_all(bytes.first(
      std::min(bytes.size(), server_dead_ || client_closed_ ? bytes.size() : to_client_.room())));
}

int Link::server_send_all(Bytes bytes) {
  if (server_dead_) {
    const int error = take_error();
    return error != 0 ? error : -EPIPE;
  }
  if (client_closed_) { // Taken by the kernel, then answered with an RST.
    reset_server(EPIPE);
    return static_cast<int>(bytes.size());
  }
  to_client_.push(bytes);
  world_.poke(peer_);
  return static_cast<int>(bytes.size());
}

void Link::disturb(int error_number) {
  disturbed_ = true;
  reset_server(error_number);
  reset_client();
}

void Link::server_finish() {
  to_client_.finished = true;
  world_.poke(peer_);
}

void Link::server_close() {
  server_closed_ = true;
  if (to_server_.size() > 0) { // Unread data: RST instead of FIN.
    reset_client();
  }
  to_client_.finished = true;
  world_.poke(peer_);
}

void Link::server_abort() {
  server_closed_ = true;
  reset_client();
}

} // namespace ringfort::sim
