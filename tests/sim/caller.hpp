// caller — a simulated program that makes calls, each as its plan says and in an errand of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/ask.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

class Caller {
public:
  Caller(World& world, Ledger& ledger) : world_(world), ledger_(ledger) {}

  void use(std::unique_ptr<Client> client) { client_ = std::move(client); }
  /// Null once it is destroyed.
  const Client* client() const noexcept { return client_.get(); }
  /// Its client's; once that is destroyed, those it had then.
  ClientCounts counts() const noexcept { return client_ ? client_->counts() : last_counts_; }
  /// Destroys the client: its calls fail, and those that were to come are not made.
  void leave();

  /// Starts an errand that makes this call. Borrow: the plan, until the errand has ended.
  void start(Shard& shard, const Ask& ask);
  /// Starts an errand that destroys the client, whatever its calls are doing then.
  void leave_after(Shard& shard, std::chrono::milliseconds time);
  /// Errands.
  unsigned running() const noexcept { return running_; }

private:
  void run(Shard& shard, std::move_only_function<Task<>(Errand&)> work);
  Task<> work(Errand& errand, const Ask& ask);
  Task<Result<>> carry_out(Errand& errand, Call& call, const Ask& ask, Asked& asked);
  Task<Result<>> write(Errand& errand, Call& call, const Ask& ask, Asked& asked);
  Task<Result<>> read(Errand& errand, Call& call, const Ask& ask, Asked& asked);
  void conclude(Call& call, const Ask& ask, Asked& asked, const Result<>& result);

  World& world_;
  Ledger& ledger_;
  std::unique_ptr<Client> client_;
  ClientCounts last_counts_;
  unsigned running_ = 0;
};

} // namespace ringfort::sim
