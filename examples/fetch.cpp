// Fetch: a handler asks another server, and streams the answer through. fetch URL [CA] [PORT]
// GET /path answers what that server has at /path; CA (PEM) is believed instead of this machine's.
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include <ringfort/ringfort.hpp>

namespace {

using namespace ringfort;

Task<> pass_on(Exchange& exchange, Client& client, const Destination& server) {
  Call call = client.call(exchange, server, {.target = exchange.head().target});
  const auto answer = co_await call.response();
  if (!answer) { // Which phase failed, whose doing it was, and what to do: all in one line.
    answer_text(exchange, 502, explain(answer.error()).append("\n"));
    co_return;
  }
  const auto type = answer->fields.find("content-type").value_or("application/octet-stream");
  const std::array fields{Field{"content-type", type}};
  BodyWriter out = exchange.stream(answer->status, fields, answer->length);
  while (true) {
    const auto piece = co_await call.read(); // Nothing more is read while our client is slow.
    if (!piece) co_return;                   // What is cut there is cut here, so that it shows.
    if (piece->empty()) break;
    if (!co_await out.write(*piece)) co_return;
  }
  (void)co_await out.finish();
}

std::string text_of_file(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return std::move(text).str();
}

} // namespace

int main(int argument_count, char** arguments) {
  const auto url = parse_url(argument_count > 1 ? arguments[1] : "").or_exit();
  tls::ClientContextOptions trust;
  if (argument_count > 2) trust.authorities_pem = text_of_file(arguments[2]);
  const auto context = tls::ClientContext::create(trust).or_exit();
  const auto port = static_cast<std::uint16_t>(argument_count > 3 ? std::atoi(arguments[3]) : 8080);
  const auto engine = Engine::create({.shards = 1, .limits = {}}).or_exit();
  const auto factory = [&](Shard& shard) { // Each shard has its own connections.
    return service([client = Client::create(shard, {.tls = context}).or_exit(),
                    server = url.destination()](Exchange& exchange) {
      return pass_on(exchange, *client, server);
    });
  };
  const auto bound = engine->serve_plain({.host = "127.0.0.1", .port = port}, factory).or_exit();
  std::cout << "http://" << bound.host << ':' << bound.port << std::endl;
  engine->run().or_exit();
}
