// Elsewhere: a handler lets another thread work and goes on when that is done. elsewhere [PORT]
// GET /N answers how many primes are below N; the shard serves others meanwhile.
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include <ringfort/ringfort.hpp>

namespace {

using ringfort::Exchange;

unsigned primes_below(unsigned limit, const std::stop_token& stop) {
  unsigned count = 0;
  for (unsigned number = 2; number < limit && !stop.stop_requested(); ++number) {
    unsigned factor = 2;
    while (factor * factor <= number && number % factor != 0) ++factor;
    if (factor * factor > number) ++count;
  }
  return count;
}

ringfort::Task<> count_primes(Exchange& exchange) {
  constexpr unsigned limit_max = 10'000'000;
  const std::string_view number = exchange.head().target.substr(1);
  unsigned limit = 0;
  std::from_chars(number.data(), number.data() + number.size(), limit);
  if (limit > limit_max) {
    ringfort::answer_text(exchange, 400, "that is too much\n");
    co_return;
  }
  unsigned count = 0;
  // When the client leaves, this handler returns: the thread is told to stop, and joined.
  const std::jthread work([&, waker = exchange.waker()](const std::stop_token& stop) {
    count = primes_below(limit, stop);
    waker.wake();
  });
  if (!co_await exchange.woken()) co_return; // It left, or handler_timeout passed: answered 503.
  ringfort::answer_text(exchange, 200, std::to_string(count).append("\n"));
}

} // namespace

int main(int argument_count, char** arguments) {
  const int port = argument_count > 1 ? std::atoi(arguments[1]) : 8080;
  const auto engine = ringfort::Engine::create({.shards = 1, .limits = {}}).or_exit();
  const ringfort::Endpoint here{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)};
  const auto factory = [](ringfort::Shard&) { return ringfort::service(&count_primes); };
  const auto bound = engine->serve_plain(here, factory).or_exit();
  std::cout << "http://" << bound.host << ':' << bound.port << std::endl;
  engine->run().or_exit();
}
