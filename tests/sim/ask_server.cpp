#include "tests/sim/ask_server.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/pattern.hpp"
#include "tests/sim/presence.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;

void hear(Heard& heard, std::uint64_t number, std::string_view piece) {
  if (pattern(number, heard.bytes, piece.size()) != piece) heard.wrong = true;
  heard.bytes += piece.size();
}

/// Reads to the end, with pauses.
Task<Result<>> listen(Exchange& exchange, Heard& heard, std::chrono::milliseconds pause) {
  const std::uint64_t number = numbers_of(exchange.head().target).seed;
  while (true) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    hear(heard, number, text_of(*piece));
    if (pause.count() == 0) continue;
    if (const auto slept = co_await exchange.sleep(pause); !slept) co_return slept;
  }
  heard.whole = true;
  heard.trailer = exchange.body().trailers().find("x-trailer").value_or("");
  co_return Result<>();
}

Task<> echo(Exchange& exchange, Heard& heard) {
  const std::uint64_t number = numbers_of(exchange.head().target).seed;
  // An answer that is begun before the body was asked for would refuse it.
  if (exchange.fields().find("expect")) exchange.inform(100, {});
  BodyWriter out = exchange.stream(200, {});
  while (true) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    hear(heard, number, text_of(*piece));
    if (const auto written = co_await out.write(*piece); !written) co_return;
  }
  heard.whole = true;
  heard.trailer = exchange.body().trailers().find("x-trailer").value_or("");
  (void)co_await out.finish(end_trailer);
}

/// Writes the answer's body, or the first half of it and no end.
Task<Result<>> tell(Exchange& exchange, Prng& prng, bool chunked, bool cuts) {
  const Numbers numbers = numbers_of(exchange.head().target);
  BodyWriter out = chunked ? exchange.stream(200, {}) : exchange.stream(200, {}, numbers.bytes);
  const std::size_t end = cuts ? numbers.bytes / 2 : numbers.bytes;
  constexpr std::size_t piece_bytes_max = 20'000; // More than one TLS record.
  for (std::size_t told = 0; told < end;) {
    const auto most = std::min(end - told, piece_bytes_max);
    const std::string piece = pattern(~numbers.seed, told, prng.between(1, most));
    if (const auto written = co_await out.write(piece); !written) co_return written;
    told += piece.size();
  }
  if (cuts) throw std::runtime_error("as asked");
  co_return co_await out.finish(end_trailer);
}

Task<> answer(Exchange& exchange, Heard& heard, Prng& prng, Manner manner) {
  const auto pause = manner == Manner::slow ? std::chrono::milliseconds(20) : 0ms;
  const bool reads = manner != Manner::early;
  if (manner == Manner::hints) exchange.inform(103, {});
  if (reads) {
    const auto listened = co_await listen(exchange, heard, pause);
    if (!listened) co_return;
  }
  if (manner == Manner::hints) exchange.inform(103, {});
  const bool cuts = manner == Manner::cuts;
  const bool chunked = manner == Manner::chunked || (cuts && prng.chance(500));
  (void)co_await tell(exchange, prng, chunked, cuts);
}

class AskServer final : public Service {
public:
  AskServer(Prng& prng, Ledger& ledger)
      : prng_(prng), ledger_(ledger),
        refuse_(service([](Exchange& exchange) { refuse(exchange); })),
        answer_(service([this](Exchange& exchange) { return start(exchange); })) {}

  void begin(Exchange& exchange) noexcept override {
    ++heard_of(exchange).begun;
    (manner_of(exchange) == Manner::refuses ? refuse_ : answer_)->begin(exchange);
  }

private:
  static Manner manner_of(const Exchange& exchange) {
    const std::string_view target = exchange.head().target;
    const std::string_view name = target.substr(1, target.find('/', 1) - 1);
    auto manner = Manner::echo;
    while (name_of(manner) != name) manner = static_cast<Manner>(static_cast<int>(manner) + 1);
    return manner;
  }

  Heard& heard_of(const Exchange& exchange) {
    return ledger_.heard[numbers_of(exchange.head().target).seed];
  }

  static void refuse(Exchange& exchange) {
    const Numbers numbers = numbers_of(exchange.head().target);
    auto text = std::make_unique<std::string>(pattern(~numbers.seed, 0, numbers.bytes));
    const Bytes bytes = bytes_of(*text);
    exchange.close_after();
    exchange.respond(413, {}, Payload::owned(bytes, [text = std::move(text)] {}));
  }

  Task<> start(Exchange& exchange) {
    const Manner manner = manner_of(exchange);
    if (manner == Manner::echo) return echo(exchange, heard_of(exchange));
    return answer(exchange, heard_of(exchange), prng_, manner);
  }

  Prng& prng_;
  Ledger& ledger_;
  std::unique_ptr<Service> refuse_;
  std::unique_ptr<Service> answer_;
};

} // namespace

std::unique_ptr<Service> serve_asks(Prng& prng, Ledger& ledger) {
  return std::make_unique<AskServer>(prng, ledger);
}

} // namespace ringfort::sim
