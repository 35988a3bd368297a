#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <ringfort/engine.hpp>

#include "tests/sim/bells.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/drain.hpp"
#include "tests/sim/engine_draw.hpp"
#include "tests/sim/handlers.hpp"
#include "tests/sim/judgement.hpp"
#include "tests/sim/plans.hpp"
#include "tests/sim/replay.hpp"
#include "tests/sim/tls_wire.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;

/// What the knobs are drawn from, of what a fuzzer gives; the rest is the world's.
constexpr std::size_t knob_draws_bytes_max = 128;

Bytes knob_draws(Bytes draws) { return draws.first(std::min(draws.size(), knob_draws_bytes_max)); }
Bytes world_draws(Bytes draws) { return draws.subspan(knob_draws(draws).size()); }

std::string replay_of(const ScenarioOptions& options) {
  if (!options.draws.empty()) return "fuzz-simulation and the input";
  if (options.plans != nullptr) {
    return options.drought.turn == 0 ? "sim-test '[failures]'" : "sim-test '[droughts]'";
  }
  const char* const tag = options.context == nullptr               ? "seeds"
                          : options.records == RecordLayer::user   ? "tls-seeds"
                          : options.records == RecordLayer::kernel ? "kernel-seeds"
                                                                   : "kernel-send-seeds";
  return replay_line(options.seed, "sim-test", tag);
}

Knobs draw_knobs(const ScenarioOptions& options) {
  if (options.plans != nullptr) return {.failure = options.failure};
  Prng prng(Prng::mix(options.seed), knob_draws(options.draws));
  Knobs knobs = Knobs::draw(prng);
  if (options.records != RecordLayer::user) knobs.draw_records(prng);
  if (options.plant == Plant::nothing) return knobs;
  knobs.plant = options.plant;
  knobs.plant_after = static_cast<std::uint32_t>(prng.below(5));
  return knobs;
}

/// One run.
class Scenario {
public:
  explicit Scenario(const ScenarioOptions& options)
      : options_(options), world_(options.seed, draw_knobs(options), world_draws(options.draws)) {}

  Verdict run() {
    if (set_up()) {
      serve();
      drain();
      conclude();
    }
    // An engine that still holds something aborts now: what is known has to be told before.
    if (!verdict_.findings.empty()) std::fprintf(stderr, "%s\n", verdict_.text(options_).c_str());
    hoard_.give_up();
    engine_.reset();
    conclude_world();
    return std::move(verdict_);
  }

private:
  template <class... Parts>
  void find(const Parts&... parts) {
    std::string text;
    (text.append(parts), ...);
    verdict_.findings.push_back(std::move(text));
  }

  bool set_up() {
    const bool fixed = options_.plans != nullptr;
    const DrawnEngine drawn = fixed ? DrawnEngine{.options = kind_engine(options_)}
                                    : draw_engine(world_.prng(), options_);
    scarce_ = drawn.scarce || options_.drought.turn != 0;
    auto engine = Engine::create(drawn.options);
    if (!engine) return find("create: ", explain(engine.error())), false;
    engine_ = std::move(*engine);
    watch_ = std::make_unique<Watch>(world_, drawn.options);
    engine_->on_error([this](const ErrorReport& report) { on_report(report); });
    engine_->observe([this](Shard&) { return watch_->make_observer(); });
    bells_.attach(engine_->shard(0));
    const auto port = listen();
    if (port == 0) return false;
    fixed ? make_clients(port) : draw_clients(port);
    return true;
  }

  /// The port; 0: it failed.
  std::uint16_t listen() {
    const auto factory = [this](Shard&) {
      return make_handlers({.prng = world_.prng(), .balance = balance_, .bells = bells_});
    };
    const Endpoint endpoint{.host = "127.0.0.1", .port = 0};
    const auto bound = options_.context == nullptr
                           ? engine_->serve_plain(endpoint, factory)
                           : engine_->serve(endpoint, *options_.context, factory);
    if (!bound) return find("serve: ", explain(bound.error())), 0;
    return bound->port;
  }

  void draw_clients(std::uint16_t port) {
    Prng& prng = world_.prng();
    const auto clients = prng.between(1, options_.context == nullptr ? 8 : 4);
    for (unsigned number = 1; number <= clients; ++number) {
      clients_.push_back(
          std::make_unique<Client>(world_, draw_plan(prng, number, port), make_wire()));
    }
    drain_ = std::make_unique<Drain>(*engine_);
    if (prng.chance(150)) world_.poke_at(*drain_, world_.now() + Time(prng.below(200'000'000)));
  }

  void make_clients(std::uint16_t port) {
    for (Plan plan : *options_.plans) {
      plan.port = port;
      clients_.push_back(std::make_unique<Client>(world_, std::move(plan), make_wire()));
    }
    drain_ = std::make_unique<Drain>(*engine_);
    if (options_.drain_after.count() > 0) {
      world_.poke_at(*drain_, world_.now() + options_.drain_after);
    }
  }

  std::unique_ptr<Wire> make_wire() {
    if (options_.context == nullptr) return std::make_unique<PlainWire>();
    return make_tls_wire(world_.prng().chance(500));
  }

  void on_report(const ErrorReport& report) {
    ++reports_;
    reported_peers_[std::string(report.peer)].push_back(report.error);
  }

  bool turn() {
    if (++verdict_.turns > turns_max) return find("the run does not end"), false;
    if (world_.now() > start_ + 20min) return find("virtual time runs away"), false;
    hoard_.before(verdict_.turns, engine_->shard(0));
    if (world_.planted(Plant::keeps_block)) hoard_.keep_one(engine_->shard(0));
    const auto turned = engine_->shard(0).turn(1s);
    if (!turned) return find("turn: ", explain(turned.error())), false;
    watch_->look(*engine_, *turned);
    return true;
  }

  void serve() {
    const auto done = [this] {
      return std::ranges::none_of(clients_, [](const auto& client) {
        return client->outcome() == Client::Outcome::pending &&
               client->plan().ending != Ending::vanishes;
      });
    };
    while (!done() && !engine_->shard(0).ended() && turn()) {}
    if (engine_->shard(0).ended()) return settle();
    // Without a drain, silent clients are ended by the engine's own timeouts.
    if (drain_->begun || world_.prng().chance(500)) return;
    const Time end = world_.now() + 2min;
    while (world_.now() < end && engine_->metrics().connections_open > 0 && turn()) {}
    if (engine_->metrics().connections_open > 0) {
      find("a silent client was kept for more than two minutes");
    }
  }

  /// The engine has drained early: clients see their ends without it.
  void settle() {
    const Time end = world_.now() + 2min;
    while (world_.next_event() < end) {
      world_.advance_to(world_.next_event());
      world_.run_due();
    }
  }

  void drain() {
    const bool again = drain_->begun;
    engine_->drain(5s);
    const Time asked = world_.now();
    while (!engine_->shard(0).ended() && turn()) {}
    if (world_.now() > asked + 9s && !again) find("the drain outlasted its grace");
    hoard_.give_back();
  }

  void conclude() {
    const Metrics metrics = engine_->metrics();
    for (const auto& client : clients_) {
      verdict_.answers += client->answered();
      if (client->outcome() == Client::Outcome::lost) ++verdict_.refused;
    }
    verdict_.clients = clients_.size();
    verdict_.kernel_sides = metrics.records_kernel_send + metrics.records_kernel_receive;
    verdict_.refused_sides = metrics.records_refused;
    verdict_.faults = reports_;
    const auto findings = judge({.clients = clients_,
                                 .balance = balance_,
                                 .reports = reported_peers_,
                                 .watch = *watch_,
                                 .metrics = metrics,
                                 .report_count = reports_,
                                 .lossy = scarce_ || drain_->begun});
    verdict_.findings.insert(verdict_.findings.end(), findings.begin(), findings.end());
  }

  void conclude_world() {
    for (const std::string& finding : judge_world(world_)) find(finding);
    verdict_.trace_hash = world_.trace_hash();
    verdict_.plant_committed = world_.plant_committed();
    for (std::size_t kind = 0; kind < verdict_.occasions.size(); ++kind) {
      verdict_.occasions[kind] = world_.occasions(static_cast<Occasion>(kind));
    }
  }

  static constexpr std::uint64_t turns_max = 400'000;

  ScenarioOptions options_;
  World world_;
  Time start_ = world_.now();
  Verdict verdict_;
  HandlerBalance balance_;
  Bells bells_{world_};
  Hoard hoard_{options_.drought};
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Drain> drain_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::string, std::vector<Error>> reported_peers_;
  std::uint64_t reports_ = 0;
  bool scarce_ = false;
};

} // namespace

std::string Verdict::text(const ScenarioOptions& options) const {
  return findings_text(replay_of(options), findings);
}

Verdict run_scenario(const ScenarioOptions& options) {
  // A fuzzer listens for aborts itself.
  if (options.draws.empty()) tell_on_abort(replay_of(options));
  return Scenario(options).run();
}

} // namespace ringfort::sim
