// serving_engine — the public Engine: its shards, and the threads that run them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ringfort/engine.hpp>

#include "net/serving_shard.hpp"

namespace ringfort::net {

/// Where: made and configured on one thread; drain() and metrics() from any.
class ServingEngine final : public Engine {
public:
  explicit ServingEngine(const EngineOptions& options);
  ServingEngine(const ServingEngine&) = delete;
  ServingEngine& operator=(const ServingEngine&) = delete;
  ~ServingEngine() override;

  /// Errors: as Engine::create.
  Result<> set_up() noexcept;

  Result<Endpoint> serve(const Endpoint& endpoint, tls::LiveNames names, ServiceFactory factory,
                         ListenOptions options) override;
  Result<Endpoint> serve_plain(const Endpoint& endpoint, ServiceFactory factory,
                               ListenOptions options) override;
  Result<std::vector<std::vector<int>>> duplicate_sockets() override;
  Result<> run() override;
  void drain(std::chrono::milliseconds grace) noexcept override;
  void retire(std::chrono::milliseconds grace) noexcept override;
  unsigned shard_count() const noexcept override { return static_cast<unsigned>(shards_.size()); }
  Shard& shard(unsigned index) noexcept override { return *shards_[index]; }
  Metrics metrics() const noexcept override;
  std::vector<UpstreamReport> passthrough_servers() const override;
  std::size_t drain_passthrough(std::string_view server, bool drained) override;
  void on_error(ErrorSink sink) override { share_.error_sink = std::move(sink); }
  void observe(ObserverFactory factory) override;
  std::uint64_t memory_bytes_max() const noexcept override;
  std::string describe() const override;
  Result<std::string> try_kernel_records() override;

private:
  using ShardNames = std::vector<std::unique_ptr<tls::ShardNames>>; ///< one per shard
  /// Each to be closed by whoever has them. Those of a listener: the n-th is shard n's, and what is
  /// beyond the last shard begins again with the first.
  using Sockets = std::vector<int>;

  static constexpr int backlog = 4'096; ///< the kernel cuts it to net.core.somaxconn

  Result<Endpoint> listen(const Endpoint& endpoint, ShardNames names, ServiceFactory factory,
                          ListenPlan plan);
  Result<Sockets> open_sockets(const Endpoint& endpoint);
  Result<Sockets> bind_sockets(engine::SocketAddress address);
  Result<Sockets> adopt_sockets(const std::vector<int>& given);
  void close(const Sockets& sockets) noexcept;
  void wake_all() noexcept;
  Result<> settle_records();
  Result<> try_kernel(RecordPolicy& policy);
  void run_shard(ServingShard& shard) noexcept;

  EngineShare share_;
  std::vector<std::unique_ptr<const ListenPlan>> plans_; ///< of listeners; outlive the shards
  std::vector<std::unique_ptr<ServingShard>> shards_;
  std::vector<Sockets> listening_; ///< the listeners' own, of each serve()
  std::mutex failure_mutex_;
  Result<> first_failure_;
  bool records_settled_ = false;
};

} // namespace ringfort::net
