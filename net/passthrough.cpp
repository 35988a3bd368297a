#include "net/passthrough.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "net/proxy_header.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

/// Servers that are tried for one connection.
constexpr unsigned tries_max = 4;

/// A connection goes on by pipes when so much has come one way, in pieces so large on average: who
/// talks in small messages has more of a receive and a send.
constexpr std::uint64_t bulk_bytes_min = 262'144;
constexpr std::uint64_t bulk_piece_bytes_min = 8'192;

} // namespace

Passthrough::Passthrough(ServerConnection& client, LiveRoute& route, std::uint64_t peer_hash)
    : client_(client), route_(route), peer_hash_(peer_hash),
      server_name_(client.transport().server_name()),
      protocol_(only_protocol(client.transport().offered_protocols())) {}

Passthrough::~Passthrough() { leave_server(); }

std::string Passthrough::server() const {
  return server_path_.empty() ? server_.text() : "unix:" + server_path_;
}

// ---------------------------------------------------------------------------- a server

void Passthrough::start() noexcept {
  if (!try_next()) client_.on_unreachable(error_);
}

bool Passthrough::try_next() noexcept {
  if (tries_++ == tries_max) return false;
  ServingShard& shard = client_.shard();
  const auto place = route_.upstreams.choose(tried_, peer_hash_, shard.now());
  if (!place) return false;
  tried_ |= UpstreamSet{1} << *place;
  place_ = place;
  route_.upstreams.on_begun(*place);
  const DialTimeouts timeouts{route_.options.resolve_timeout, route_.options.connect_timeout};
  client_.hold_open();
  dial_ = std::make_unique<Dial>(shard, *this, route_.upstreams.destination(*place), timeouts);
  dial_->start();
  return true;
}

void Passthrough::leave_server() noexcept {
  if (place_) route_.upstreams.on_ended(*std::exchange(place_, std::nullopt));
}

void Passthrough::on_failed(Dial&, const Error& error) noexcept {
  error_ = error;
  route_.upstreams.on_failed(*place_, client_.shard().now());
  leave_server();
}

void Passthrough::on_connected(Dial&, int descriptor,
                               const engine::SocketAddress& address) noexcept {
  server_ = address;
  if (!address.is_set()) server_path_ = route_.upstreams.destination(*place_).unix_path;
  route_.upstreams.on_reached(*place_);
  state_ = State::passing;
  client_.hold_open();
  far_.emplace(client_.shard().stream_home(), descriptor, *this);
  if (auto introduced = introduce(); !introduced)
    return client_.on_passthrough_failed(introduced.error());
  far_->start();
  far_->flush();
  move();
}

void Passthrough::release(Dial&) noexcept {
  dial_.reset();
  if (state_ == State::dialing && !try_next()) client_.on_unreachable(error_);
  client_.on_settled();
}

/// What stands before everything that the client sent and still lies in its stream: who it is, and
/// as much of its hello as came in pieces.
Result<> Passthrough::introduce() noexcept {
  const ProxyHeader version = route_.options.header;
  if (version != ProxyHeader::none) {
    std::array<std::byte, proxy_header_bytes_max> header;
    const ProxyStatement statement{
        .ends = client_.ends(), .protocol = protocol_, .server_name = server_name_};
    const std::size_t bytes = write_proxy_header(header, version, statement);
    if (auto queued = far_->queue(Bytes(header).first(bytes)); !queued) return queued;
  }
  return far_->queue(client_.transport().leave_unopened());
}

// ---------------------------------------------------------------------------- bytes

bool Passthrough::Direction::carries_much(std::uint64_t received_bytes,
                                          std::uint64_t piece_bytes_min) noexcept {
  if (received_bytes == seen_bytes) return false;
  seen_bytes = received_bytes;
  ++pieces;
  const std::uint64_t bytes = received_bytes - counted_bytes;
  if (bytes < bulk_bytes_min) return false;
  counted_bytes = received_bytes;
  return bytes / std::exchange(pieces, 0) >= piece_bytes_min;
}

void Passthrough::move() noexcept {
  if (!passing()) return;
  Stream& near = client_.transport().stream();
  if (state_ != State::splicing) {
    forward(near, *far_, up_);
    forward(*far_, near, down_);
    const std::uint32_t buffer_bytes = client_.shard().receive_buffers().buffer_bytes();
    const auto piece_bytes = std::min<std::uint64_t>(bulk_piece_bytes_min, buffer_bytes / 2);
    const bool up = up_.carries_much(near.received_bytes(), piece_bytes);
    const bool down = down_.carries_much(far_->received_bytes(), piece_bytes);
    if (state_ == State::passing && (up || down)) begin_settling(up);
    if (state_ == State::settling) settle();
  }
  if (state_ == State::splicing) splice(near, *far_, up_);
  if (state_ == State::splicing) splice(*far_, near, down_);
  // A poll may tell of nothing: its connection is as idle as it was.
  const std::uint64_t before = progress_;
  progress_ = progress();
  if (passing() && progress_ != before) client_.on_moved();
}

std::uint64_t Passthrough::progress() const noexcept {
  const Stream& near = client_.transport().stream();
  const auto ends = static_cast<std::uint64_t>(up_.ended) + static_cast<std::uint64_t>(down_.ended);
  return ends + near.received_bytes() + near.sent_bytes() + far_->received_bytes() +
         far_->sent_bytes();
}

void Passthrough::forward(Stream& from, Stream& to, Direction& direction) noexcept {
  const std::size_t taken_bytes = to.take_forwarded();
  for (std::size_t bytes = taken_bytes; bytes > 0;) {
    const std::size_t piece = std::min(bytes, from.received().size());
    from.consume(piece);
    bytes -= piece;
  }
  to.forward(from);
  note_sending(direction, to.sending(), taken_bytes > 0);
  if (!to.sending() && to.queued_bytes() == 0) pass_end_on(from, to, direction);
}

void Passthrough::note_sending(Direction& direction, bool sends, bool progressed) noexcept {
  if (!sends) {
    direction.sending_since = ConnectionDeadlines::never;
  } else if (progressed || direction.sending_since == ConnectionDeadlines::never) {
    direction.sending_since = client_.shard().now();
  }
}

void Passthrough::pass_end_on(const Stream& from, Stream& to, Direction& direction) noexcept {
  if (direction.ended || !from.ended()) return;
  direction.ended = true;
  to.shutdown_write();
}

std::chrono::nanoseconds Passthrough::stalled_at(std::chrono::nanoseconds timeout) const noexcept {
  const auto since = std::min(up_.sending_since, down_.sending_since);
  return since == ConnectionDeadlines::never ? since : since + timeout;
}

// ---------------------------------------------------------------------------- the end

// What a peer that has sent its end does not want any more is no failure.
void Passthrough::on_client_broken(int error_number) noexcept {
  if (!up_.ended) {
    client_.report({.code = Code::passthrough_client_reset, .detail = error_number});
  }
  client_.cut();
}

void Passthrough::on_broken(int error_number) noexcept {
  if (!down_.ended) {
    client_.report({.code = Code::passthrough_server_reset, .detail = error_number});
  }
  client_.cut();
}

void Passthrough::stop(bool reset) noexcept {
  if (std::exchange(state_, State::stopped) == State::stopped) return;
  if (dial_ != nullptr) dial_->stop();
  if (far_) far_->stop(reset);
}

void Passthrough::on_settled() noexcept { client_.on_settled(); }

} // namespace ringfort::net
