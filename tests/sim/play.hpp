// play — one engine in a kind world, and clients that do what a test tells them, step by step: for
// claims about one situation, where a scenario draws many.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/engine.hpp>
#include <ringfort/names.hpp>
#include <ringfort/tls.hpp>

#include "tests/peer/client.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

/// A connection played by the test.
class Actor final : public Peer {
public:
  Actor(World& world, std::uint16_t port);
  void act() override;

  void send(std::string_view text);
  void finish(); ///< FIN behind what was sent
  void abort() { link_->client_abort(); }
  void close() { link_->client_close(); }
  /// From here on nothing is taken from the network until it is called with true.
  void listen(bool listening);

  const std::string& received() const noexcept { return received_; }
  /// What came since the last call. Borrow: until more comes.
  std::string_view news() noexcept;
  bool ended() const noexcept { return ended_ || reset_; }
  bool was_reset() const noexcept { return reset_; }

private:
  Link* link_;
  std::string waiting_;
  std::string received_;
  std::size_t told_bytes_ = 0;
  bool finishing_ = false;
  bool listening_ = true;
  bool ended_ = false;
  bool reset_ = false;
};

class Play {
public:
  explicit Play(const EngineOptions& options = kind_options(), const Knobs& knobs = {});
  /// Everything is given back, whatever was played: checked.
  ~Play();

  static EngineOptions kind_options();

  template <Handler H>
  void serve(H handler, const tls::Context* context = nullptr) {
    listen(factory_of(std::move(handler)),
           context == nullptr ? std::nullopt : std::optional<tls::LiveNames>(*context));
  }
  template <Handler H>
  void serve_names(H handler, tls::LiveNames names) {
    listen(factory_of(std::move(handler)), std::move(names));
  }
  Actor& connect();

  /// Lets virtual time pass.
  void run_for(Time time);
  /// Until the claim holds; false when it does not within five minutes.
  bool run_until(const std::function<bool()>& claim);
  /// Until no connection is open.
  bool run_until_closed();
  /// A connection that sends this, at its end.
  Actor& ask(std::string_view request);
  /// Brings what the actor received to the TLS client and back, until `claim` holds.
  bool converse(Actor& actor, peer::Client& client, const std::function<bool()>& claim);

  World& world() noexcept { return world_; }
  Engine& engine() noexcept { return *engine_; }
  const std::vector<Error>& reports() const noexcept { return reports_; }
  /// How often a fault was told. Counted and reported must be the same: checked.
  std::uint64_t count(Code code) const;

private:
  template <Handler H>
  static ServiceFactory factory_of(H handler) {
    auto held = std::make_shared<H>(std::move(handler));
    return [held](Shard&) { return service(*held); };
  }
  void listen(ServiceFactory factory, std::optional<tls::LiveNames> names);
  bool turn();

  World world_;
  std::unique_ptr<Engine> engine_;
  std::vector<Error> reports_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::uint16_t port_ = 0;
};

} // namespace ringfort::sim
