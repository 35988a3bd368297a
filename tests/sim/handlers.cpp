#include "tests/sim/handlers.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/pattern.hpp"
#include "tests/sim/presence.hpp"

namespace ringfort::sim {

namespace {

Task<> echo(Exchange& exchange, HandlerBalance& balance) {
  const Presence presence(balance);
  const auto tag = tag_of(exchange);
  BodyWriter out = exchange.stream(200, tag);
  while (true) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    if (const auto written = co_await out.write(*piece); !written) co_return;
  }
  (void)co_await out.finish();
}

Task<> sink(Exchange& exchange, HandlerBalance& balance) {
  const Presence presence(balance);
  std::uint64_t sum = checksum_start;
  std::uint64_t bytes = 0;
  while (true) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    sum = checksum(sum, text_of(*piece));
    bytes += piece->size();
  }
  const std::string text = std::to_string(bytes) + " " + std::to_string(sum);
  exchange.respond(200, tag_of(exchange), Payload::copied(text));
}

Task<> source(Exchange& exchange, HandlerBalance& balance, Prng& prng, bool chunked) {
  const Presence presence(balance);
  const Numbers numbers = numbers_of(exchange.head().target);
  const auto tag = tag_of(exchange);
  BodyWriter out = chunked ? exchange.stream(200, tag) : exchange.stream(200, tag, numbers.bytes);
  constexpr std::size_t piece_bytes_max = 20'000; // More than one TLS record.
  for (std::size_t sent = 0; sent < numbers.bytes;) {
    const auto most = std::min(numbers.bytes - sent, piece_bytes_max);
    const std::string piece = pattern(numbers.seed, sent, prng.between(1, most));
    if (const auto written = co_await out.write(piece); !written) co_return;
    sent += piece.size();
  }
  const std::array trailers = {Field{"x-trailer", "end"}};
  (void)co_await out.finish(trailers);
}

void owned(Exchange& exchange, HandlerBalance& balance) {
  const Numbers numbers = numbers_of(exchange.head().target);
  auto text = std::make_unique<std::string>(pattern(numbers.seed, 0, numbers.bytes));
  const Bytes bytes = bytes_of(*text);
  ++balance.payloads;
  // The bytes change when they are released: a send that still used them would be seen.
  exchange.respond(200, tag_of(exchange), Payload::owned(bytes, [&balance, text = std::move(text)] {
                     ++balance.releases;
                     text->assign(text->size(), '!');
                   }));
}

class Handlers final : public Service {
public:
  explicit Handlers(const Stage& stage)
      : stage_(stage), instant_(service([this](Exchange& exchange) { answer(exchange); })),
        streamed_(service([this](Exchange& exchange) { return stream(exchange); })) {}

  void begin(Exchange& exchange) noexcept override {
    constexpr std::string_view at_once[] = {"/hello", "/early",   "/throws", "/silent",
                                            "/owned", "/forever", "/drains", "/closes"};
    const std::string_view target = exchange.head().target;
    const bool instant = std::ranges::any_of(
        at_once, [target](std::string_view name) { return target.starts_with(name); });
    (instant ? instant_ : streamed_)->begin(exchange);
  }

private:
  Task<> stream(Exchange& exchange) {
    const std::string_view target = exchange.head().target;
    HandlerBalance& balance = stage_.balance;
    if (target.starts_with("/source")) return source(exchange, balance, stage_.prng, false);
    if (target.starts_with("/chunks")) return source(exchange, balance, stage_.prng, true);
    if (target == "/sink") return sink(exchange, balance);
    if (target == "/echo") return echo(exchange, balance);
    return wait_and_answer(exchange, stage_);
  }

  void answer(Exchange& exchange) {
    const Presence presence(stage_.balance);
    const std::string_view target = exchange.head().target;
    if (target == "/throws") throw std::runtime_error("as asked");
    if (target == "/silent") return;
    if (target.starts_with("/owned")) return owned(exchange, stage_.balance);
    constexpr std::uint64_t drained_bytes_max = 1'000'000;
    if (target == "/drains") exchange.drain_body(drained_bytes_max);
    if (target == "/closes") exchange.close_after();
    exchange.respond(200, tag_of(exchange),
                     target == "/forever" ? Payload::forever(forever_text())
                                          : Payload::copied(hello_text));
  }

  Stage stage_;
  std::unique_ptr<Service> instant_;
  std::unique_ptr<Service> streamed_;
};

} // namespace

std::string_view forever_text() {
  static const std::string text = pattern(0, 0, 40'000);
  return text;
}

std::unique_ptr<Service> make_handlers(const Stage& stage) {
  return std::make_unique<Handlers>(stage);
}

} // namespace ringfort::sim
