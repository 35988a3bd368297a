#include "tests/sim/call_world.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include <ringfort/engine.hpp>

#include "tests/sim/ask_server.hpp"
#include "tests/sim/call_draw.hpp"
#include "tests/sim/call_watch.hpp"
#include "tests/sim/caller.hpp"
#include "tests/sim/drain.hpp"
#include "tests/sim/hoard.hpp"
#include "tests/sim/replay.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::string replay_of(const CallWorldOptions& options) {
  if (options.asks != nullptr) return "sim-calls-test '[calls]'";
  const char* const tag = options.context == nullptr             ? "call-seeds"
                          : options.records == RecordLayer::user ? "tls-call-seeds"
                                                                 : "kernel-call-seeds";
  return replay_line(options.seed, "sim-calls-test", tag);
}

/// An engine, who looks at it, and who drains it.
struct Side {
  Side(World& world, const EngineOptions& options) : watch(world, options) {}

  bool ended() const { return engine->shard(0).ended(); }

  Watch watch;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Drain> drain;
  std::uint64_t reports = 0;
};

/// One run.
class CallWorld {
public:
  explicit CallWorld(const CallWorldOptions& options)
      : options_(options), drawn_(draw_calls(options)), world_(options.seed, drawn_.knobs) {}

  CallVerdict run() {
    if (set_up()) {
      ask();
      settle();
      drain();
      conclude();
    }
    if (!verdict_.findings.empty()) std::fprintf(stderr, "%s\n", verdict_.text(options_).c_str());
    hoard_.give_up();
    caller_.leave();
    sides_.clear();
    conclude_world();
    return std::move(verdict_);
  }

private:
  void find(std::string text) { verdict_.findings.push_back(std::move(text)); }

  /// One engine that does both, or one for each.
  bool set_up() {
    const std::size_t sides = world_.prng().chance(500) ? 1 : 2;
    while (sides_.size() < sides) {
      if (!make_side()) return false;
    }
    const auto destinations = listen();
    if (destinations.empty()) return false;
    const ClientOptions bounds = draw_client(world_.prng(), options_, drawn_.kind);
    auto client = Client::create(asker().engine->shard(0), bounds);
    if (!client) return find("client: " + explain(client.error())), false;
    caller_.use(std::move(*client));
    watch_ = std::make_unique<CallWatch>(bounds);
    options_.asks == nullptr ? draw_asks(destinations) : make_asks(destinations.front());
    draw_ends();
    return true;
  }

  /// With what is told of it.
  bool make_side() {
    const EngineOptions options = draw_call_engine(world_.prng(), options_, drawn_.kind);
    auto engine = Engine::create(options);
    if (!engine) return find("create: " + explain(engine.error())), false;
    Side& side = *sides_.emplace_back(std::make_unique<Side>(world_, options));
    side.engine = std::move(*engine);
    side.engine->on_error([this, &side](const ErrorReport& report) {
      ++side.reports;
      world_.note('e', static_cast<std::int64_t>(report.error.code), report.error.detail);
    });
    side.engine->observe([&side](Shard&) { return side.watch.make_observer(); });
    side.drain = std::make_unique<Drain>(*side.engine);
    return true;
  }

  Side& server() { return *sides_.front(); }
  Side& asker() { return *sides_.back(); }

  /// One or two servers, and now and then one that nobody is at. Empty: it failed.
  std::vector<Destination> listen() {
    std::vector<Destination> destinations;
    const auto count = world_.prng().between(1, 2);
    const auto factory = [this](Shard&) { return serve_asks(world_.prng(), ledger_); };
    while (destinations.size() < count) {
      const Endpoint endpoint{.port = 0};
      const auto bound = options_.context == nullptr
                             ? server().engine->serve_plain(endpoint, factory)
                             : server().engine->serve(endpoint, *options_.context, factory);
      if (!bound) return find("serve: " + explain(bound.error())), std::vector<Destination>();
      destinations.push_back(destination_at(bound->port));
    }
    if (!drawn_.kind && world_.prng().chance(100)) {
      destinations.push_back(destination_at(world_.free_port()));
    }
    return destinations;
  }

  Destination destination_at(std::uint16_t port) const {
    return {.encrypted = options_.context != nullptr,
            .host = options_.context != nullptr ? "localhost" : "127.0.0.1",
            .port = port,
            .connect_host = "127.0.0.1"};
  }

  void draw_asks(const std::vector<Destination>& destinations) {
    Prng& prng = world_.prng();
    const auto count = prng.between(1, 16);
    for (std::uint64_t number = 1; number <= count; ++number) {
      asks_.push_back(draw_ask(prng, number, destinations, drawn_.kind));
    }
    start_asks();
  }

  void make_asks(const Destination& destination) {
    asks_ = *options_.asks;
    for (Ask& ask : asks_) ask.destination = destination;
    start_asks();
  }

  /// Errands refer to their plans: none may move from now on.
  void start_asks() {
    for (const Ask& ask : asks_) caller_.start(asker().engine->shard(0), ask);
  }

  /// Of the engines and of the client, in the middle of calls.
  void draw_ends() {
    if (drawn_.kind) return;
    Prng& prng = world_.prng();
    for (const auto& side : sides_) {
      if (!prng.chance(150)) continue;
      world_.poke_at(*side->drain, world_.now() + Time(prng.below(4'000'000'000)));
    }
    if (!prng.chance(150)) return;
    caller_.leave_after(asker().engine->shard(0),
                        milliseconds(prng.below(std::uint64_t{1} << prng.below(13))));
  }

  /// One turn of each engine. One that has nothing to do lets the other wait the longer.
  bool turn() {
    if (++verdict_.tally.turns > turns_max) return find("the run does not end"), false;
    if (world_.now() > start_ + 20min) return find("virtual time runs away"), false;
    unsigned completions = 0;
    for (const auto& side : sides_) {
      if (side->ended()) continue;
      Shard& shard = side->engine->shard(0);
      if (world_.planted(Plant::keeps_block)) hoard_.keep_one(shard);
      const auto turned = shard.turn(sides_.size() == 1 ? 1s : wait_);
      if (!turned) return find("turn: " + explain(turned.error())), false;
      side->watch.look(*side->engine, *turned);
      completions += *turned;
    }
    if (caller_.client() != nullptr) watch_->look(*caller_.client());
    wait_ = completions > 0 ? shortest_wait : std::min(2 * wait_, Time(20ms));
    return true;
  }

  bool ended() const {
    return std::ranges::all_of(sides_, [](const auto& side) { return side->ended(); });
  }

  void ask() {
    while (caller_.running() > 0 && !ended() && turn()) {}
    if (caller_.running() > 0) find("a call never ended");
  }

  /// Credits and blocks come back when their calls have ended, and do not wait for a drain.
  void settle() {
    const Time end = world_.now() + 2min;
    const auto holds = [](const auto& side) {
      const Metrics metrics = side->engine->metrics();
      return metrics.blocks_in_use + metrics.receive_buffers_held > 0;
    };
    while (std::ranges::any_of(sides_, holds)) {
      if (world_.now() > end) return find("blocks or buffers are out, and no call runs");
      if (ended() || !turn()) return;
    }
  }

  void drain() {
    for (const auto& side : sides_) side->engine->drain(5s);
    while (!ended() && turn()) {}
    hoard_.give_back();
  }

  void conclude() {
    watch_->judge(asks_, ledger_, drawn_.kind);
    if (caller_.client() != nullptr) watch_->judge_end(*caller_.client());
    take_over(watch_->findings());
    for (const auto& side : sides_) {
      const Metrics metrics = side->engine->metrics();
      take_over(judge_drained(metrics, side->reports, side->watch));
      verdict_.tally.kernel_sides += metrics.records_kernel_send + metrics.records_kernel_receive;
    }
    for (const auto& [number, asked] : ledger_.asked) {
      verdict_.tally.calls += asked.begun;
      if (asked.complete) ++verdict_.tally.answered;
      if (asked.error) ++verdict_.tally.failed;
    }
    const ClientCounts counts = caller_.counts();
    verdict_.tally.reused = counts.reused;
    verdict_.tally.retried = counts.retried;
    verdict_.tally.resumed = counts.handshakes_resumed;
  }

  void conclude_world() {
    take_over(judge_world(world_));
    verdict_.trace_hash = world_.trace_hash();
    verdict_.plant_committed = world_.plant_committed();
  }

  void take_over(const std::vector<std::string>& findings) {
    verdict_.findings.insert(verdict_.findings.end(), findings.begin(), findings.end());
  }

  static constexpr std::uint64_t turns_max = 400'000;
  static constexpr Time shortest_wait = 10us;

  CallWorldOptions options_;
  DrawnCalls drawn_;
  World world_;
  Time start_ = world_.now();
  Time wait_ = shortest_wait; // Nothing may ever complete.
  CallVerdict verdict_;
  Ledger ledger_;
  Hoard hoard_{Drought{}};
  std::vector<Ask> asks_;
  std::unique_ptr<CallWatch> watch_;
  std::vector<std::unique_ptr<Side>> sides_;
  Caller caller_{world_, ledger_};
};

} // namespace

void CallTally::add(const CallTally& other) noexcept {
  calls += other.calls;
  answered += other.answered;
  failed += other.failed;
  reused += other.reused;
  retried += other.retried;
  resumed += other.resumed;
  kernel_sides += other.kernel_sides;
  turns += other.turns;
}

std::string CallVerdict::text(const CallWorldOptions& options) const {
  return findings_text(replay_of(options), findings);
}

CallVerdict run_call_world(const CallWorldOptions& options) {
  tell_on_abort(replay_of(options));
  return CallWorld(options).run();
}

} // namespace ringfort::sim
