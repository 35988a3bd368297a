// fetch_calls — the calls of one `ringfort fetch`: so many at a time, each with an errand of its
// own, over one client.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/errand.hpp>
#include <ringfort/proxy_rules.hpp>

#include "cli/fetch_report.hpp"

namespace ringfort::cli {

/// Where: the engine's one shard, after start().
class FetchCalls {
public:
  /// Borrow: all of it as long as this.
  FetchCalls(const FetchFlags& flags, const ProxyRules& proxies, const FetchBody& body,
             Engine& engine, std::unique_ptr<Client> client);
  FetchCalls(const FetchCalls&) = delete;
  FetchCalls& operator=(const FetchCalls&) = delete;

  /// Begins the first ones. With the end of the last one the engine drains. Before Engine::run.
  void start();
  /// Of the first call that failed.
  ExitStatus status() const noexcept { return status_; }

private:
  /// Makes one call after the other.
  struct Lane {
    FetchRequest request;
    bool redirected = false; ///< `request` is still to be asked
  };
  class Ending;

  void go_on(Lane& lane);
  void end_lane();
  Task<> work(Errand& errand, Lane& lane);
  Task<Result<>> exchange(Errand& errand, Call& call, Lane& lane, FetchOutcome& outcome);
  Task<Result<>> send(Errand& errand, Call& call, FetchOutcome& outcome);
  Task<Result<>> answer(Errand& errand, Call& call, Lane& lane, FetchOutcome& outcome);
  Task<Result<>> look_at_answer(Errand& errand, Call& call, Lane& lane, FetchOutcome& outcome);
  Task<Result<>> receive(Errand& errand, Call& call, FetchOutcome& outcome);

  const FetchFlags& flags_;
  const ProxyRules& proxies_;
  const FetchBody& body_;
  Engine& engine_;
  std::unique_ptr<Client> client_;
  std::vector<Lane> lanes_;
  std::uint32_t left_count_;
  std::size_t lanes_left_;
  ExitStatus status_ = ExitStatus::ok;
};

} // namespace ringfort::cli
