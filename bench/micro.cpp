// What the pieces of a request cost on their own: the parser, a record each way, a deadline.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/timer_wheel.hpp"
#include "http/parser.hpp"
#include "http/serializer.hpp"
#include "tests/peer/identity.hpp"
#include "tls/channel.hpp"

namespace ringfort {
namespace {

// ---------------------------------------------------------------------------- http

constexpr std::string_view small_request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view browser_request =
    "GET /path/to/page.html?with=query&and=more HTTP/1.1\r\nHost: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://www.example.com/\r\nConnection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\nCache-Control: max-age=0\r\n\r\n";

void parse(benchmark::State& state, std::string_view request) {
  std::vector<std::byte> block(65'536);
  Arena arena(block);
  http::AuthorityCheck authorities;
  http::Parser parser(http::Role::server, authorities);
  for (auto _ : state) {
    arena.reset();
    parser.begin(arena, {});
    auto step = parser.parse(bytes_of(request));
    if (!step || !step->last) return state.SkipWithError("the request was not taken");
    benchmark::DoNotOptimize(step);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size()));
}
BENCHMARK_CAPTURE(parse, small, small_request);
BENCHMARK_CAPTURE(parse, browser, browser_request);

/// Each but the first says what the last one did, or, when `changes`, has another length.
void write_head(benchmark::State& state, bool changes) {
  const std::array fields{Field{"content-type", "text/plain"}};
  http::HeadWriter writer(1'024);
  http::ResponseHead head{.fields = fields,
                          .unix_seconds = 784'111'777,
                          .framing = http::BodyFraming::length,
                          .content_length = 13};
  for (auto _ : state) {
    if (changes) head.content_length ^= 1;
    auto bytes = writer.write(head);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK_CAPTURE(write_head, same, false);
BENCHMARK_CAPTURE(write_head, other, true);

// ---------------------------------------------------------------------------- tls

/// Two ends with each other's keys. Suites by number, as on the wire.
struct Ends {
  explicit Ends(std::int64_t suite_id)
      : suite(*tls::suite_of(static_cast<std::uint16_t>(suite_id))) {
    std::array<std::byte, 48> secret;
    secret.fill(std::byte{1});
    const auto keys = *tls::keys_of_secret(*library, suite, Bytes(secret).first(suite.hash_bytes));
    const tls::TrafficKeys both{.receive = keys, .send = keys};
    const tls::ChannelLimits unlimited{.records_per_key = UINT64_MAX};
    ours = std::make_unique<tls::Channel>(*tls::Channel::create(*library, both, unlimited));
    theirs = std::make_unique<tls::Channel>(*tls::Channel::create(*library, both, unlimited));
  }

  std::unique_ptr<tls::Library> library = *tls::Library::create();
  const tls::Suite& suite;
  std::unique_ptr<tls::Channel> ours;
  std::unique_ptr<tls::Channel> theirs;
  std::array<std::byte, tls::Channel::record_bytes_max> room{};
};

void seal(benchmark::State& state) {
  Ends ends(state.range(0));
  const std::string text(static_cast<std::size_t>(state.range(1)), 'x');
  const Bytes piece = bytes_of(text);
  for (auto _ : state) {
    auto sealed = ends.ours->seal({&piece, 1}, ends.room);
    benchmark::DoNotOptimize(sealed);
  }
  state.SetLabel(std::string(ends.suite.name));
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

/// Sealing is part of each round: a record can be opened only once. Take seal's time away.
void seal_and_open(benchmark::State& state) {
  Ends ends(state.range(0));
  const std::string text(static_cast<std::size_t>(state.range(1)), 'x');
  const Bytes piece = bytes_of(text);
  for (auto _ : state) {
    const auto sealed = ends.ours->seal({&piece, 1}, ends.room);
    auto opened = ends.theirs->receive(MutableBytes(ends.room).first(*sealed));
    if (!opened) return state.SkipWithError("the record was not opened");
    benchmark::DoNotOptimize(opened);
  }
  state.SetLabel(std::string(ends.suite.name));
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

void every_suite(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t suite : {0x1301, 0x1302, 0x1303}) {
    for (const std::int64_t bytes : {100, 16'384}) benchmark->Args({suite, bytes});
  }
}
BENCHMARK(seal)->Apply(every_suite);
BENCHMARK(seal_and_open)->Apply(every_suite);

// ---------------------------------------------------------------------------- engine

/// Arms, moves and cancels among so many others that stay armed.
void move_deadline(benchmark::State& state) {
  using namespace std::chrono_literals;
  using engine::Timer;
  engine::TimerWheel wheel(0ns);
  const auto quiet = [](void*) noexcept {};
  std::vector<std::unique_ptr<Timer>> others;
  for (std::int64_t count = 0; count < state.range(0); ++count) {
    others.push_back(std::make_unique<Timer>(nullptr, quiet));
    wheel.arm(*others.back(), 5s + std::chrono::milliseconds(count % 60'000));
  }
  Timer timer(nullptr, quiet);
  for (auto _ : state) {
    wheel.arm(timer, 5s);
    wheel.arm(timer, 65s);
    wheel.cancel(timer);
  }
  for (const auto& other : others) wheel.cancel(*other);
}
BENCHMARK(move_deadline)->Arg(0)->Arg(20'000);

void find_next_deadline(benchmark::State& state) {
  using namespace std::chrono_literals;
  engine::TimerWheel wheel(0ns);
  engine::Timer timer(nullptr, [](void*) noexcept {});
  wheel.arm(timer, 65s);
  for (auto _ : state) benchmark::DoNotOptimize(wheel.until_next(1ms));
  wheel.cancel(timer);
}
BENCHMARK(find_next_deadline);

} // namespace
} // namespace ringfort
