#include "tests/sim/kernel_play.hpp"

namespace ringfort::sim {

Task<> KernelPlay::answer(Exchange& exchange) {
  while (exchange.head().target == "/read") {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
  }
  const ConnectionFacts& facts = exchange.connection();
  std::string text("sends ");
  text.append(name_of(facts.send_records)).append(", receives ");
  text.append(name_of(facts.receive_records));
  exchange.respond(200, {}, Payload::copied(text));
}

} // namespace ringfort::sim
