#include "tests/client/host.hpp"

#include <algorithm>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/authority.hpp"

namespace ringfort::client {

namespace {

constexpr std::size_t piece_bytes = 50'000;

} // namespace

EngineOptions Host::options_of() {
  EngineOptions options;
  options.shards = 1;
  options.pin_threads = false;
  options.block_count = 512;
  options.receive_buffer_count = 64;
  options.limits.connections_max = 256;
  return options;
}

Host::Host(const EngineOptions& options) : engine_(Engine::create(options).or_exit()) {}

Host::~Host() {
  engine_->drain(std::chrono::milliseconds::zero());
  turn_until([&] { return shard().ended(); });
}

void Host::turn_until(const std::function<bool()>& done) {
  constexpr unsigned turns_max = 100'000;
  for (unsigned turn = 0; turn < turns_max && !done(); ++turn) {
    const auto turned = shard().turn(std::chrono::milliseconds(10));
    REQUIRE(turned);
  }
  REQUIRE(done());
}

// What the errand holds goes with it.
void Host::run(std::function<Task<>(Errand&)> work) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> running = held;
  const bool started = shard().run(
      [held = std::move(held), work = std::move(work)](Errand& errand) { return work(errand); });
  REQUIRE(started);
  turn_until([&] { return running.expired(); });
}

std::unique_ptr<Client> make_client(Shard& shard, const std::string& authorities_pem,
                                    const std::function<void(ClientOptions&)>& change) {
  tls::ClientContextOptions trust;
  trust.authorities_pem = authorities_pem;
  ClientOptions options{.tls = tls::ClientContext::create(std::move(trust)).or_exit()};
  if (change) change(options);
  return Client::create(shard, std::move(options)).or_exit();
}

std::unique_ptr<Client> client_of(Host& host, const std::function<void(ClientOptions&)>& change) {
  return make_client(host.shard(), peer::Authority("nobody").pem(), change);
}

std::string bulk(int times) {
  constexpr int piece_count = 80;
  std::string text;
  for (int count = 0; count < times * piece_count; ++count) {
    text.append(piece_bytes, static_cast<char>('a' + count % 26));
  }
  return text;
}

Task<Result<>> send(Errand&, Call& call, std::string_view text) {
  while (!text.empty()) {
    const auto written = co_await call.write(text.substr(0, piece_bytes));
    if (!written) co_return written;
    text.remove_prefix(std::min(text.size(), piece_bytes));
  }
  co_return co_await call.finish();
}

Task<Result<std::string>> body_of(Errand&, Call& call) {
  std::string body;
  for (;;) {
    const Result<Bytes> piece = co_await call.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return body;
    body.append(text_of(*piece));
  }
}

Outcome outcome_of(Host& host, Client& client, const Destination& destination, Request request) {
  Outcome outcome;
  host.run([&](Errand& errand) -> Task<> {
    Call call = client.call(errand, destination, std::move(request));
    outcome.response = co_await call.response();
    if (outcome.response) {
      outcome.status = outcome.response->status;
      Result<std::string> body = co_await body_of(errand, call);
      if (body) outcome.body = std::move(*body);
      if (!body) outcome.body_error = body.error();
    }
    outcome.facts = call.facts();
    // Their texts go with the call.
    outcome.peer = outcome.facts.peer;
    outcome.server_name = outcome.facts.server_name;
  });
  return outcome;
}

Destination clear(std::uint16_t port) {
  return {.encrypted = false, .host = "127.0.0.1", .port = port};
}

Destination secure(std::uint16_t port, const std::string& host) {
  return {.host = host, .port = port, .connect_host = "127.0.0.1"};
}

} // namespace ringfort::client
