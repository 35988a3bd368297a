#include "tests/sim/streamed.hpp"

#include <array>

namespace ringfort::sim {

Task<> Reading::operator()(Exchange& exchange) const {
  do {
    last = co_await exchange.body().read();
  } while (last && !last->empty());
  if (last) exchange.respond(200, {}, Payload::forever("read"));
}

Task<> Writing::operator()(Exchange& exchange) const {
  static constexpr std::array<std::byte, 8'192> piece{};
  BodyWriter out = exchange.stream(200, {}, length);
  for (std::size_t count = 0; count < pieces; ++count) {
    last = co_await out.write(piece);
    if (!last) co_return;
  }
  last = co_await out.finish();
}

} // namespace ringfort::sim
