// load — asks over one client, many calls at once, servers that end idle connections when they
// like, and writes down what it was told of each request:
//   load REQUEST_COUNT PARALLEL_COUNT SEED LEDGER AUTHORITIES.pem URL...
//
// Each request goes to one of the URLs, drawn, with an id of its own in x-id, which the answer's
// body repeats. It is a GET, a POST, or a POST whose body is streamed, at once or after a pause.
// Prints "progress N" a hundred times on its way, and at its end a line for each of its client's
// counts.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>

#include "tests/races/ledger.hpp"

namespace ringfort::races {
namespace {

constexpr unsigned progress_count = 100;
constexpr std::uint32_t body_bytes_max = 128 * 1024; // More than a socket takes at once.

struct Place {
  Destination destination;
  std::string target;
};

/// What one request is, and how long its lane waits before it.
struct Draw {
  const Place* place;
  std::string_view method;
  std::string_view body;
  bool streams;
  std::chrono::milliseconds pause;
};

class Draws {
public:
  Draws(std::vector<Place> places, std::uint64_t seed)
      : places_(std::move(places)), chance_(seed), body_(body_bytes_max, 'b') {}

  Draw next() {
    const bool posts = below(2) == 1;
    const bool large = below(16) == 0;
    Draw draw{.place = &places_[below(places_.size())],
              .method = posts ? "POST" : "GET",
              .body = {},
              .streams = posts && below(4) == 0,
              .pause = std::chrono::milliseconds(10 * (below(2) * (1 + below(3))))};
    if (posts) draw.body = std::string_view(body_).substr(0, large ? 1 + below(body_.size()) : 16);
    return draw;
  }

private:
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(chance_);
  }

  std::vector<Place> places_;
  std::mt19937_64 chance_;
  std::string body_;
};

ClientOptions client_options(std::uint32_t parallel_count, const char* authorities) {
  std::ostringstream pem;
  pem << std::ifstream(authorities).rdbuf();
  tls::ClientContextOptions trust;
  trust.authorities_pem = std::move(pem).str();
  ClientOptions options{.tls = tls::ClientContext::create(std::move(trust)).or_exit()};
  options.connections_per_destination_max = parallel_count;
  options.idle_per_destination_max = parallel_count;
  options.newest_first = false; // The oldest is the likeliest to be gone.
  options.call_timeout = std::chrono::seconds(20);
  return options;
}

class Load {
public:
  Load(Engine& engine, ClientOptions options, Draws draws, std::size_t request_count)
      : engine_(engine), client_(Client::create(engine.shard(0), std::move(options)).or_exit()),
        draws_(std::move(draws)), ledger_(request_count) {}

  void start(std::uint32_t parallel_count) {
    lanes_left_count_ = parallel_count;
    for (std::uint32_t lane = 0; lane < parallel_count; ++lane) {
      if (engine_.shard(0).run([this](Errand& errand) { return ask(errand); })) continue;
      std::fputs("load: no block is left for an errand\n", stderr);
      std::exit(1);
    }
  }

  Ledger& ledger() noexcept { return ledger_; }

private:
  /// One lane: a request after the other. What it awaits is not a coroutine of its own, because
  /// each would stay in the errand's arena until the lane ends.
  Task<> ask(Errand& errand) {
    while (asked_count_ < ledger_.size()) {
      const std::size_t id = ++asked_count_;
      tell_progress();
      const Draw draw = draws_.next();
      Entry& entry = ledger_.of(id);
      entry.method = draw.method;
      if (draw.pause.count() > 0) (void)co_await errand.sleep(draw.pause);

      const std::string name = std::to_string(id);
      Call call = begin(errand, draw, name);
      if (draw.streams) {
        (void)co_await call.write(draw.body); // Whatever fails here is response()'s to tell.
        (void)co_await call.finish();
      }
      const auto answer = co_await call.response();
      std::optional<Error> error;
      if (!answer) error = answer.error();
      std::string body;
      while (!error) {
        const auto piece = co_await call.read();
        if (!piece) error = piece.error();
        if (error || piece->empty()) break;
        body.append(text_of(*piece));
      }
      const bool right = !error && answer->status == 200 && body == name;
      entry.end = error ? End::failed : right ? End::answered : End::wrong;
      if (error) entry.code = error->code;
      entry.kept = call.facts().reused;
    }
    if (--lanes_left_count_ == 0) engine_.shard(0).post([this] { end(); });
  }

  Call begin(Errand& errand, const Draw& draw, std::string_view name) {
    const Field fields[] = {{.name = "x-id", .value = name}};
    Request request{.method = draw.method, .target = draw.place->target, .fields = fields};
    request.streams = draw.streams;
    if (!draw.streams && !draw.body.empty()) request.body = Payload::forever(draw.body);
    return client_->call(errand, draw.place->destination, std::move(request));
  }

  void tell_progress() {
    if (asked_count_ * progress_count / ledger_.size() == told_count_) return;
    std::printf("progress %u\n", ++told_count_);
    std::fflush(stdout);
  }

  void end() {
    const ClientCounts counts = client_->counts();
    const std::pair<const char*, std::uint64_t> told[] = {
        {"connections", counts.connections},
        {"handshakes_full", counts.handshakes_full},
        {"handshakes_resumed", counts.handshakes_resumed},
        {"reused", counts.reused},
        {"retried", counts.retried},
        {"retired", counts.retired}};
    for (const auto& [name, count] : told) {
      std::printf("%s %llu\n", name, static_cast<unsigned long long>(count));
    }
    client_.reset(); // Ends before its shard.
    engine_.drain(std::chrono::milliseconds(0));
  }

  Engine& engine_;
  std::unique_ptr<Client> client_;
  Draws draws_;
  Ledger ledger_;
  std::size_t asked_count_ = 0;
  unsigned told_count_ = 0;
  std::uint32_t lanes_left_count_ = 0;
};

/// A number above zero; anything else ends the program.
std::uint32_t number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error == std::errc{} && end == text.end() && number > 0) return number;
  std::fprintf(stderr, "load: %.*s is no number above zero\n", static_cast<int>(text.size()),
               text.data());
  std::exit(64);
}

int run(std::vector<const char*> arguments) {
  std::vector<Place> places;
  for (std::size_t index = 6; index < arguments.size(); ++index) {
    const Url url = parse_url(arguments[index]).or_exit();
    places.push_back({.destination = url.destination(), .target = std::string(url.target)});
  }
  const std::uint32_t parallel_count = number_of(arguments[2]);
  const auto engine = Engine::create({.shards = 1, .pin_threads = false, .limits = {}}).or_exit();
  Load load(*engine, client_options(parallel_count, arguments[5]),
            Draws(std::move(places), number_of(arguments[3])), number_of(arguments[1]));
  load.start(parallel_count);
  engine->run().or_exit();
  if (load.ledger().write(arguments[4])) return 0;
  std::fprintf(stderr, "load: %s cannot be written\n", arguments[4]);
  return 1;
}

} // namespace
} // namespace ringfort::races

int main(int argument_count, char** arguments) {
  if (argument_count < 7) {
    std::fputs("usage: load REQUEST_COUNT PARALLEL_COUNT SEED LEDGER AUTHORITIES.pem URL...\n",
               stderr);
    return 64;
  }
  return ringfort::races::run({arguments, arguments + argument_count});
}
