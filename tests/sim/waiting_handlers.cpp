// waiting_handlers — handlers that wait for other things than their peer's bytes, and those that
// leave HTTP.
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/handlers.hpp"
#include "tests/sim/pattern.hpp"
#include "tests/sim/presence.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;

void say_hello(Exchange& exchange) {
  exchange.respond(200, tag_of(exchange), Payload::copied(hello_text));
}

Task<> sleep_and_answer(Exchange& exchange, HandlerBalance& balance) {
  const Presence presence(balance);
  const std::size_t times = numbers_of(exchange.head().target).bytes;
  for (std::size_t time = 0; time < times; ++time) {
    if (!co_await exchange.sleep(10ms)) co_return;
  }
  say_hello(exchange);
}

/// What a writer does between two pieces, now and then.
struct Nap {
  unsigned per_mille;
  std::chrono::milliseconds time;
};

Task<Result<>> write_pattern(Exchange& exchange, Stage stage, BodyWriter out, Numbers numbers,
                             Nap nap) {
  for (std::size_t sent = 0; sent < numbers.bytes;) {
    const std::string piece =
        pattern(numbers.seed, sent, stage.prng.between(1, numbers.bytes - sent));
    if (auto written = co_await out.write(piece); !written) co_return written;
    sent += piece.size();
    if (!stage.prng.chance(nap.per_mille)) continue;
    if (auto slept = co_await exchange.sleep(nap.time); !slept) co_return slept;
  }
  co_return Result<>();
}

Task<> nap_and_stream(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  const Numbers numbers = numbers_of(exchange.head().target);
  BodyWriter out = exchange.stream(200, tag_of(exchange));
  if (!co_await write_pattern(exchange, stage, out, numbers, {300, 15ms})) co_return;
  (void)co_await out.finish();
}

Task<> answer_when_woken(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  const std::size_t times = numbers_of(exchange.head().target).bytes;
  for (std::size_t time = 0; time < times; ++time) {
    stage.bells.add(exchange.waker());
    if (stage.prng.chance(200) && !co_await exchange.sleep(20ms)) co_return;
    if (!co_await exchange.woken()) co_return;
  }
  say_hello(exchange);
}

Task<> ring_and_answer(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  stage.bells.ring();
  say_hello(exchange);
  co_return;
}

Task<> sink_between_wakes(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  std::uint64_t sum = checksum_start;
  std::uint64_t bytes = 0;
  stage.bells.add(exchange.waker());
  while (true) {
    const auto piece = co_await exchange.body().read_or_woken();
    if (!piece) co_return;
    if (!*piece) {
      if (stage.prng.chance(500)) stage.bells.add(exchange.waker());
      continue;
    }
    if ((*piece)->empty()) break;
    sum = checksum(sum, text_of(**piece));
    bytes += (*piece)->size();
  }
  const std::string text = std::to_string(bytes) + " " + std::to_string(sum);
  exchange.respond(200, tag_of(exchange), Payload::copied(text));
}

Task<> hint_and_answer(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  const std::size_t times = numbers_of(exchange.head().target).bytes;
  constexpr std::array links{Field{"link", "</s>; rel=preload"}};
  for (std::size_t time = 0; time < times; ++time) {
    exchange.inform(103, links);
    if (stage.prng.chance(500) && !co_await exchange.sleep(10ms)) co_return;
  }
  say_hello(exchange);
}

Task<> wait_too_long(Exchange& exchange, HandlerBalance& balance, bool begins) {
  const Presence presence(balance);
  if (begins) {
    BodyWriter out = exchange.stream(200, tag_of(exchange));
    if (!co_await out.write("so far")) co_return;
  }
  while (co_await exchange.woken()) {}
}

// ---------------------------------------------------------------------------- tunnels

std::string_view mode_of(const Exchange& exchange) {
  return exchange.fields().find("x-tunnel").value_or("");
}

Task<> talk(Exchange& exchange, Stage stage) {
  const Presence presence(stage.balance);
  const std::string mode(mode_of(exchange));
  const std::string tag(tag_of(exchange)[0].value);
  const bool connects = exchange.head().method == Method::connect;
  BodyWriter out = exchange.open_tunnel(connects ? "" : "echo", tag_of(exchange));
  const Numbers numbers = mode == "echo" ? Numbers{} : numbers_of("/" + mode);
  if (!co_await write_pattern(exchange, stage, out, numbers, {100, 10ms})) co_return;
  if (mode.starts_with("leaves")) co_return;
  if (mode.starts_with("first") && !co_await out.finish()) co_return;
  std::string heard;
  while (true) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    heard += text_of(*piece);
    if (mode != "echo") continue;
    if (const auto written = co_await out.write(*piece); !written) co_return;
  }
  stage.balance.heard[tag] = std::move(heard);
  if (mode == "echo" && stage.prng.chance(500)) (void)co_await out.finish();
}

} // namespace

Task<> wait_and_answer(Exchange& exchange, const Stage& stage) {
  const std::string_view target = exchange.head().target;
  if (!mode_of(exchange).empty()) return talk(exchange, stage);
  if (target.starts_with("/sleeps")) return sleep_and_answer(exchange, stage.balance);
  if (target.starts_with("/naps")) return nap_and_stream(exchange, stage);
  if (target.starts_with("/woken")) return answer_when_woken(exchange, stage);
  if (target.starts_with("/hints")) return hint_and_answer(exchange, stage);
  if (target == "/rings") return ring_and_answer(exchange, stage);
  if (target == "/mixed") return sink_between_wakes(exchange, stage);
  return wait_too_long(exchange, stage.balance, target == "/dawdles");
}

} // namespace ringfort::sim
