#include "tests/sim/handlers.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/pattern.hpp"

namespace ringfort::sim {

namespace {

/// One running handler.
class Presence {
public:
  explicit Presence(HandlerBalance& balance) noexcept : balance_(balance) { ++balance_.begun; }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() { ++balance_.ended; }

private:
  HandlerBalance& balance_;
};

struct Numbers {
  std::uint64_t seed = 0;
  std::size_t bytes = 0;
};

/// The two numbers of "/name/S/N".
Numbers numbers_of(std::string_view target) {
  Numbers numbers;
  const auto first = target.find('/', 1) + 1;
  const auto second = target.find('/', first) + 1;
  std::from_chars(target.data() + first, target.data() + second - 1, numbers.seed);
  std::from_chars(target.data() + second, target.data() + target.size(), numbers.bytes);
  return numbers;
}

std::array<Field, 1> tag_of(const Exchange& exchange) {
  return {Field{"x-request", exchange.fields().find("x-request").value_or("")}};
}

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
  Handlers(Prng& prng, HandlerBalance& balance)
      : balance_(balance), instant_(service([this](Exchange& exchange) { answer(exchange); })),
        streamed_(service([&prng, &balance](Exchange& exchange) -> Task<> {
          const std::string_view target = exchange.head().target;
          if (target.starts_with("/source")) return source(exchange, balance, prng, false);
          if (target.starts_with("/chunks")) return source(exchange, balance, prng, true);
          return target == "/sink" ? sink(exchange, balance) : echo(exchange, balance);
        })) {}

  void begin(Exchange& exchange) noexcept override {
    const std::string_view target = exchange.head().target;
    const bool streams = target.starts_with("/source") || target.starts_with("/chunks") ||
                         target == "/echo" || target == "/sink";
    (streams ? streamed_ : instant_)->begin(exchange);
  }

private:
  void answer(Exchange& exchange) {
    const Presence presence(balance_);
    const std::string_view target = exchange.head().target;
    if (target == "/throws") throw std::runtime_error("as asked");
    if (target == "/silent") return;
    if (target.starts_with("/owned")) return owned(exchange, balance_);
    exchange.respond(200, tag_of(exchange),
                     target == "/forever" ? Payload::forever(forever_text())
                                          : Payload::copied(hello_text));
  }

  HandlerBalance& balance_;
  std::unique_ptr<Service> instant_;
  std::unique_ptr<Service> streamed_;
};

} // namespace

std::string_view forever_text() {
  static const std::string text = pattern(0, 0, 40'000);
  return text;
}

std::unique_ptr<Service> make_handlers(Prng& prng, HandlerBalance& balance) {
  return std::make_unique<Handlers>(prng, balance);
}

} // namespace ringfort::sim
