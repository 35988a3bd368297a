// A handler that waits: streams each request's body back while it arrives. echo_stream [PORT]
// Clear text, so that the handler is all there is to read; hello.cpp shows TLS. Ends at SIGTERM.
#include <csignal>
#include <iostream>
#include <string>
#include <thread>

#include <ringfort/ringfort.hpp>

namespace {

ringfort::Task<> echo(ringfort::Exchange& exchange) {
  const ringfort::Field fields[] = {{"content-type", "application/octet-stream"}};
  auto body = exchange.body();
  auto response = exchange.stream(200, fields);
  while (true) {
    const auto piece = co_await body.read(); // A view into the receive buffer.
    if (!piece) co_return;                   // The peer left: there is nobody to answer.
    if (piece->empty()) break;
    // Waits while the peer does not read, which in turn stops our own reading: nothing piles up.
    if (!co_await response.write(*piece)) co_return;
  }
  (void)co_await response.finish();
}

} // namespace

int main(int argument_count, char** arguments) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr); // The shards' threads inherit this.

  const int port = argument_count > 1 ? std::atoi(arguments[1]) : 8080;
  const auto engine = ringfort::Engine::create({});
  if (!engine) {
    std::cerr << ringfort::explain(engine.error()) << '\n';
    return 1;
  }
  const auto bound =
      (*engine)->serve_plain({.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)},
                             [](ringfort::Shard&) { return ringfort::service(echo); });
  if (!bound) {
    std::cerr << ringfort::explain(bound.error()) << '\n';
    return 1;
  }
  std::cout << "http://" << bound->host << ':' << bound->port << std::endl;
  std::jthread drain([&] {
    int signal = 0;
    sigwait(&ending, &signal);
    (*engine)->drain(std::chrono::seconds(5));
  });
  return (*engine)->run() ? 0 : 1;
}
