#include "cli/handlers.hpp"

#include <array>
#include <optional>
#include <string>

#include <ringfort/answers.hpp>

#include "cli/facts_handler.hpp"
#include "cli/values.hpp"
#include "cli/welcome.hpp"

namespace ringfort::cli {

namespace {

constexpr Field text_type{"content-type", "text/plain; charset=utf-8"};
constexpr std::size_t piece_bytes = 65'536;

/// What answer_source sends: printable, and different from one line to the next.
const std::array<std::byte, piece_bytes>& source_piece() {
  static const auto piece = [] {
    std::array<std::byte, piece_bytes> bytes{};
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const bool line_end = at % 64 == 63;
      bytes[at] = static_cast<std::byte>(line_end ? '\n' : 'a' + (at + at / 64) % 26);
    }
    return bytes;
  }();
  return piece;
}

std::optional<std::uint64_t> announced_length(const Exchange& exchange) {
  const auto field = exchange.fields().find("content-length");
  return field ? parse_count(*field) : std::nullopt;
}

} // namespace

bool refused_method(Exchange& exchange) {
  const Method method = exchange.head().method;
  if (method == Method::get || method == Method::head) return false;
  const std::array fields{text_type, Field{"allow", "GET, HEAD"}};
  exchange.respond(405, fields, Payload::forever("this resource answers GET and HEAD\n"));
  return true;
}

void answer_hello(Exchange& exchange) {
  exchange.respond(200, std::array{Field{"content-type", "text/plain"}},
                   Payload::forever("Hello, world!"));
}

/// CONNECT, or a switch to the protocol "echo": whatever comes goes back, and so does its end.
Task<> echo_through_tunnel(Exchange& exchange, std::string_view protocol) {
  BodyReader tunnel = exchange.body();
  BodyWriter back = exchange.open_tunnel(protocol, {});
  while (true) {
    const auto piece = co_await tunnel.read();
    if (!piece) co_return;
    if (piece->empty()) break;
    if (!co_await back.write(*piece)) co_return;
  }
  (void)co_await back.finish();
}

Task<> echo_body(Exchange& exchange) {
  BodyReader body = exchange.body();
  auto piece = co_await body.read();
  if (!piece) co_return;
  if (piece->empty()) {
    answer_text(exchange, 200, "send a body and it comes back\n");
    co_return;
  }
  const auto type = exchange.fields().find("content-type");
  const std::array fields{Field{"content-type", type.value_or("application/octet-stream")}};
  BodyWriter response = exchange.stream(200, fields, announced_length(exchange));
  while (!piece->empty()) {
    if (!co_await response.write(*piece)) co_return;
    piece = co_await body.read();
    if (!piece) co_return;
  }
  (void)co_await response.finish();
}

Task<> answer_echo(Exchange& exchange) {
  if (exchange.head().method == Method::connect) return echo_through_tunnel(exchange, "");
  if (exchange.offered_protocols() == "echo") return echo_through_tunnel(exchange, "echo");
  return echo_body(exchange);
}

Task<> answer_sink(Exchange& exchange) {
  BodyReader body = exchange.body();
  std::uint64_t received_bytes = 0;
  while (true) {
    const auto piece = co_await body.read();
    if (!piece) co_return;
    if (piece->empty()) break;
    received_bytes += piece->size();
  }
  answer_text(exchange, 200, std::to_string(received_bytes).append("\n"));
}

Task<> answer_source(Exchange& exchange) {
  if (refused_method(exchange)) co_return;
  const std::string_view target = exchange.head().target;
  const auto wanted = target.starts_with('/') ? parse_size(target.substr(1)) : std::nullopt;
  if (!wanted) {
    answer_text(exchange, 404, "ask for /N: N bytes, for instance /13 or /64K\n");
    co_return;
  }
  BodyWriter response =
      exchange.stream(200, std::array{Field{"content-type", "text/plain"}}, *wanted);
  if (exchange.head().method != Method::head) {
    for (std::uint64_t left = *wanted; left > 0;) {
      const std::size_t bytes = std::min<std::uint64_t>(left, piece_bytes);
      if (!co_await response.write(Bytes(source_piece()).first(bytes))) co_return;
      left -= bytes;
    }
  }
  (void)co_await response.finish();
}

std::unique_ptr<Service> make_service(Handler handler, unsigned shard) {
  switch (handler) {
  case Handler::hello: return service(&answer_hello);
  case Handler::echo: return service(&answer_echo);
  case Handler::sink: return service(&answer_sink);
  case Handler::source: return service(&answer_source);
  case Handler::facts:
    return service([shard](Exchange& exchange) { answer_facts(exchange, shard); });
  case Handler::welcome: break;
  }
  return service(&answer_welcome);
}

} // namespace ringfort::cli
