#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <unistd.h>

#include <ringfort/engine.hpp>

#include "tests/sim/client.hpp"
#include "tests/sim/handlers.hpp"
#include "tests/sim/plans.hpp"
#include "tests/sim/tls_wire.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;

char replay_line[128];

std::string replay_of(const ScenarioOptions& options) {
  std::array<char, sizeof replay_line> line;
  std::snprintf(line.data(), line.size(), "RINGFORT_SIM_SEED=0x%llx sim-test '[%s]'",
                static_cast<unsigned long long>(options.seed),
                options.context == nullptr               ? "seeds"
                : options.records == RecordLayer::user   ? "tls-seeds"
                : options.records == RecordLayer::kernel ? "kernel-seeds"
                                                         : "kernel-send-seeds");
  return line.data();
}

void on_abort(int) {
  constexpr char words[] = "aborted; repeat with ";
  for (const std::string_view text : {std::string_view(words), std::string_view(replay_line)}) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) break;
  }
}

void draw_record_knobs(Prng& prng, Knobs& knobs) {
  const auto level = [&prng]() -> unsigned {
    return prng.chance(600) ? 0 : static_cast<unsigned>(prng.between(1, 1'000));
  };
  knobs.record_chain = prng.chance(700);
  knobs.record_rekeys = prng.chance(500);
  knobs.record_protocol_fails_per_mille = level();
  knobs.send_keys_fail_per_mille = level();
  knobs.receive_keys_fail_per_mille = level();
}

Knobs draw_knobs(const ScenarioOptions& options) {
  Prng prng(Prng::mix(options.seed));
  Knobs knobs = Knobs::draw(prng);
  if (options.records != RecordLayer::user) draw_record_knobs(prng, knobs);
  if (options.plant == Plant::nothing) return knobs;
  knobs.plant = options.plant;
  knobs.plant_after = static_cast<std::uint32_t>(prng.below(5));
  return knobs;
}

/// Asks for the drain at some point of the run.
class Drain final : public Peer {
public:
  explicit Drain(Engine& engine) : engine_(engine) {}
  void act() override {
    engine_.drain(5s);
    begun = true;
  }
  bool begun = false;

private:
  Engine& engine_;
};

/// One run.
class Scenario {
public:
  explicit Scenario(const ScenarioOptions& options)
      : options_(options), world_(options.seed, draw_knobs(options)) {}

  Verdict run() {
    if (set_up()) {
      serve();
      drain();
      judge_clients();
      judge_engine();
    }
    // An engine that still holds something aborts now: what is known has to be told before.
    if (!verdict_.findings.empty()) std::fprintf(stderr, "%s\n", verdict_.text(options_).c_str());
    engine_.reset();
    judge_world();
    return std::move(verdict_);
  }

private:
  template <class... Parts>
  void find(const Parts&... parts) {
    std::string text;
    (text.append(parts), ...);
    verdict_.findings.push_back(std::move(text));
  }

  EngineOptions draw_engine() {
    Prng& prng = world_.prng();
    EngineOptions options;
    options.shards = 1;
    options.pin_threads = false;
    options.ring_entries = 64;
    options.receive_buffer_count = 16u << prng.below(3);
    options.receive_buffer_bytes = 1'024u << prng.below(5);
    options.limits.receive_credit_bytes = 16'384u << prng.below(3);
    options.limits.send_credit_bytes = 16'384u << prng.below(5);
    options.limits.connections_max = 64;
    scarce_ = prng.chance(150);
    options.record_layer = options_.records;
    options.block_count = scarce_ ? static_cast<std::uint32_t>(prng.between(16, 40)) : 2'048;
    if (scarce_ && prng.chance(500)) {
      options.limits.connections_max = static_cast<std::uint32_t>(prng.between(1, 4));
    }
    if (options_.context != nullptr) draw_handshake_limits(options.limits);
    return options;
  }

  /// Where few handshakes may be open, a silent client keeps others waiting, perhaps too long.
  void draw_handshake_limits(Limits& limits) {
    Prng& prng = world_.prng();
    limits.handshake_steps_max = 1u << prng.below(4);
    if (!prng.chance(300)) return;
    limits.handshakes_max = static_cast<std::uint32_t>(prng.between(1, 2));
    scarce_ = true;
  }

  bool set_up() {
    auto engine = Engine::create(draw_engine());
    if (!engine) return find("create: ", explain(engine.error())), false;
    engine_ = std::move(*engine);
    engine_->on_error([this](const ErrorReport& report) { on_report(report); });
    const auto factory = [this](Shard&) { return make_handlers(world_.prng(), balance_); };
    const Endpoint endpoint{.host = "127.0.0.1", .port = 0};
    const auto bound = options_.context == nullptr
                           ? engine_->serve_plain(endpoint, factory)
                           : engine_->serve(endpoint, *options_.context, factory);
    if (!bound) return find("serve: ", explain(bound.error())), false;
    const auto clients = world_.prng().between(1, options_.context == nullptr ? 8 : 4);
    for (unsigned number = 1; number <= clients; ++number) {
      clients_.push_back(std::make_unique<Client>(
          world_, draw_plan(world_.prng(), number, bound->port), make_wire()));
    }
    drain_ = std::make_unique<Drain>(*engine_);
    if (world_.prng().chance(150)) {
      world_.poke_at(*drain_, world_.now() + Time(world_.prng().below(200'000'000)));
    }
    return true;
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
    const auto turned = engine_->shard(0).turn(1s);
    if (!turned) return find("turn: ", explain(turned.error())), false;
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
  }

  void judge_clients() {
    for (const auto& client : clients_) judge_client(*client);
    verdict_.clients = clients_.size();
  }

  /// Whether this client's loss is something that an engine in order may do.
  bool may_lose(const Client& client) const {
    return client.disturbed() || scarce_ || drain_->begun ||
           client.plan().ending >= Ending::trickles;
  }

  void judge_client(const Client& client) {
    verdict_.answers += client.answered();
    const std::string name = "client " + client.address() + ": ";
    switch (client.outcome()) {
    case Client::Outcome::complete: break;
    case Client::Outcome::cut: break;
    case Client::Outcome::wrong:
      if (!may_lose(client) || client.failure() != "FIN without close_notify") {
        find(name, client.failure());
      }
      break;
    case Client::Outcome::pending:
      if (client.plan().ending != Ending::vanishes) find(name, "left without an end");
      break;
    case Client::Outcome::lost:
      ++verdict_.refused;
      if (!may_lose(client)) {
        find(name, client.failure(), ", refused with ", std::to_string(client.refused_with()),
             reports_about(client));
      }
      break;
    }
  }

  std::string reports_about(const Client& client) const {
    const auto found = reported_peers_.find(client.address());
    if (found == reported_peers_.end()) return ", unreported";
    std::string text;
    for (const Error& error : found->second) text += ", " + explain(error);
    return text;
  }

  void judge_engine() {
    const Metrics metrics = engine_->metrics();
    verdict_.kernel_sides = metrics.records_kernel_send + metrics.records_kernel_receive;
    verdict_.refused_sides = metrics.records_refused;
    const auto require_zero = [this](const char* name, std::uint64_t value) {
      if (value != 0) find(name, " is ", std::to_string(value), " after the drain");
    };
    require_zero("connections_open", metrics.connections_open);
    require_zero("blocks_in_use", metrics.blocks_in_use);
    require_zero("receive_buffers_held", metrics.receive_buffers_held);
    std::uint64_t faults = 0;
    for (const std::uint64_t count : metrics.faults) faults += count;
    if (faults != reports_) {
      find(std::to_string(faults), " faults counted, ", std::to_string(reports_), " reported");
    }
    if (metrics.responses > metrics.requests) find("more responses than requests");
    if (balance_.begun != balance_.ended) find("a handler never ended");
    if (balance_.payloads != balance_.releases) {
      find(std::to_string(balance_.payloads), " owned payloads, ",
           std::to_string(balance_.releases), " releases");
    }
    judge_reports();
  }

  /// A connection ends once, so it is told once why; a peer may also not take the answer to that.
  void judge_reports() {
    for (const auto& [peer, errors] : reported_peers_) {
      const auto ends = std::ranges::count_if(errors, [](const Error& error) {
        return error.connection != 0 && error.code != Code::response_stream_stalled &&
               error.code != Code::response_stream_too_slow &&
               error.code != Code::drain_timed_out &&
               fault_of(error.code).reaction != Reaction::tell_caller;
      });
      if (ends <= 1) continue;
      std::string text = "several ends of " + peer;
      for (const Error& error : errors) text += ", " + explain(error);
      find(text);
    }
  }

  void judge_world() {
    for (const std::string& violation : world_.violations()) find("world: ", violation);
    if (const auto open = world_.descriptors_open(); open != 0) {
      find(std::to_string(open), " descriptors left open");
    }
    verdict_.trace_hash = world_.trace_hash();
    verdict_.plant_committed = world_.plant_committed();
  }

  static constexpr std::uint64_t turns_max = 400'000;

  ScenarioOptions options_;
  World world_;
  Time start_ = world_.now();
  Verdict verdict_;
  HandlerBalance balance_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Drain> drain_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::string, std::vector<Error>> reported_peers_;
  std::uint64_t reports_ = 0;
  bool scarce_ = false;
};

} // namespace

std::string Verdict::text(const ScenarioOptions& options) const {
  std::string text = "repeat with " + replay_of(options);
  for (const std::string& finding : findings) text += "\n  " + finding;
  return text;
}

Verdict run_scenario(const ScenarioOptions& options) {
  std::snprintf(replay_line, sizeof replay_line, "%s\n", replay_of(options).c_str());
  std::signal(SIGABRT, on_abort);
  return Scenario(options).run();
}

} // namespace ringfort::sim
