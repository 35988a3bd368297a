// Routes: a small store of notes as JSON, and files beside it. routes DIR [PORT]
// One shard, whose notes they are: nothing is locked.
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include <ringfort/ringfort.hpp>

namespace {

using ringfort::Exchange;
using ringfort::RouteParameters;

using Notes = std::map<std::string, std::string, std::less<>>;

constexpr std::size_t note_bytes_max = 65'536;

void read(const Notes& notes, Exchange& exchange, RouteParameters parameters) {
  const auto note = notes.find(parameters["name"]); // Still percent-encoded, as all names here.
  if (note == notes.end()) return ringfort::answer_json(exchange, 404, R"({"error":"no note"})");
  ringfort::answer_json(exchange, 200, note->second);
}

ringfort::Task<> write(Notes& notes, Exchange& exchange, RouteParameters parameters) {
  const auto body = co_await ringfort::whole_body(exchange, note_bytes_max);
  if (!body) co_return; // The engine answers: 413 for one that is too large.
  notes.insert_or_assign(std::string(parameters["name"]), std::string(body->text()));
  ringfort::redirect(exchange, 303, exchange.head().target);
}

std::unique_ptr<ringfort::Service> routes(const ringfort::Files& files) {
  const auto notes = std::make_shared<Notes>();
  ringfort::Router router;
  router.get("/notes/:name", [notes](Exchange& exchange, RouteParameters parameters) {
    read(*notes, exchange, parameters);
  });
  router.put("/notes/:name", [notes](Exchange& exchange, RouteParameters parameters) {
    return write(*notes, exchange, parameters);
  });
  router.get("/", [&](Exchange& exchange, RouteParameters parameters) {
    return files.serve(exchange, parameters.rest());
  });
  return std::move(router).build().or_exit();
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 64;
  const int port = argument_count > 2 ? std::atoi(arguments[2]) : 8080;
  const auto files = ringfort::Files::open(arguments[1]).or_exit();
  const auto engine = ringfort::Engine::create({.shards = 1, .limits = {}}).or_exit();
  const ringfort::Endpoint here{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)};
  const auto factory = [&](ringfort::Shard&) { return routes(files); };
  const auto bound = engine->serve_plain(here, factory).or_exit();
  std::cout << "http://" << bound.host << ':' << bound.port << std::endl;
  engine->run().or_exit();
}
