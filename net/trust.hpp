// trust — whom a client's connections believe: one for each policy that it has had and that still
// has connections.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tls/shard_client_context.hpp"

namespace ringfort::net {

/// One policy, and how many connections shook hands under it.
struct Trust {
  explicit Trust(std::unique_ptr<tls::ShardClientContext> one) noexcept : context(std::move(one)) {}

  std::unique_ptr<tls::ShardClientContext> context;
  std::uint32_t connection_count = 0;
};

/// Where: one shard.
class TrustEpochs {
public:
  explicit TrustEpochs(std::unique_ptr<tls::ShardClientContext> first) {
    all_.push_back(std::make_unique<Trust>(std::move(first)));
  }

  Trust& current() noexcept { return *all_.back(); }
  std::uint64_t number() const noexcept { return number_; }
  bool outdated(const Trust& trust) const noexcept { return &trust != all_.back().get(); }
  std::uint32_t outdated_count() const noexcept {
    std::uint32_t count = 0;
    for (const auto& trust : all_) count += outdated(*trust) ? trust->connection_count : 0;
    return count;
  }

  void begin(std::unique_ptr<tls::ShardClientContext> next) {
    all_.push_back(std::make_unique<Trust>(std::move(next)));
    ++number_;
    forget_unused();
  }
  /// A connection under it has gone.
  void release(Trust& trust) noexcept {
    --trust.connection_count;
    forget_unused();
  }

private:
  void forget_unused() noexcept {
    std::erase_if(all_, [this](const auto& trust) {
      return trust->connection_count == 0 && outdated(*trust);
    });
  }

  std::vector<std::unique_ptr<Trust>> all_; ///< the current one last
  std::uint64_t number_ = 0;
};

} // namespace ringfort::net
