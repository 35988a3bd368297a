#include "net/relay.hpp"

namespace ringfort::net {

Result<> Relay::move() noexcept {
  if (auto moved = move(there_); !moved) return moved;
  return move(back_);
}

Result<> Relay::move(Direction& direction) noexcept {
  direction.waits = false;
  while (!direction.ended) {
    if (direction.to.stream().queued_bytes() >= credit_bytes_) {
      direction.waits = true;
      break;
    }
    const auto piece = direction.from.receive();
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty()) {
      direction.ended = direction.from.ended();
      if (!direction.ended) break;
      direction.to.send_close_notify();
    } else {
      const Bytes bytes = *piece;
      if (auto sent = direction.to.send({&bytes, 1}); !sent) return sent;
      direction.from.consume(bytes.size());
      direction.from.release();
    }
  }
  direction.to.stream().flush();
  if (direction.ended && !direction.sent_end) end(direction);
  return {};
}

void Relay::end(Direction& direction) noexcept {
  direction.waits = direction.to.stream().queued_bytes() > 0;
  if (direction.waits) return;
  direction.sent_end = true;
  direction.to.stream().shutdown_write();
}

} // namespace ringfort::net
