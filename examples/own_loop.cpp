// An engine inside a program that owns its thread: no thread is started, the host calls turn().
// own_loop [PORT [REQUESTS]] ends after so many requests.
#include <cstdlib>
#include <iostream>

#include <ringfort/ringfort.hpp>

namespace {

int complain(const ringfort::Error& error) {
  std::cerr << ringfort::explain(error) << '\n';
  return 1;
}

} // namespace

int main(int argument_count, char** arguments) {
  const int port = argument_count > 1 ? std::atoi(arguments[1]) : 8080;
  const int requests_max = argument_count > 2 ? std::atoi(arguments[2]) : 3;

  ringfort::EngineOptions options;
  options.shards = 1;
  const auto engine = ringfort::Engine::create(options);
  if (!engine) return complain(engine.error());

  int requests = 0; // Touched by this thread alone, which is the shard's.
  const auto bound = (*engine)->serve_plain(
      {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)}, [&](ringfort::Shard&) {
        return ringfort::service([&](ringfort::Exchange& exchange) {
          const std::string text = "request " + std::to_string(++requests) + "\n";
          exchange.respond(200, {}, ringfort::Payload::copied(text));
        });
      });
  if (!bound) return complain(bound.error());
  std::cout << "http://" << bound->host << ':' << bound->port << std::endl;

  ringfort::Shard& shard = (*engine)->shard(0);
  while (!shard.ended()) {
    const auto completions = shard.turn(std::chrono::milliseconds(100));
    if (!completions) return complain(completions.error());
    // The host's own work goes here; it decides when the engine ends.
    if (requests >= requests_max) (*engine)->drain(std::chrono::seconds(5));
  }
  std::cout << requests << " requests" << std::endl;
}
