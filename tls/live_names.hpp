// live_names — what a public tls::LiveNames holds: the current map, and a count of the connections
// that each generation still has.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <ringfort/names.hpp>

namespace ringfort::tls {

/// A generation's connections. Shared by shards: one count per handshake, none per request.
struct GenerationCount {
  explicit GenerationCount(std::uint64_t own_number) noexcept : number(own_number) {}

  const std::uint64_t number;
  std::atomic<std::uint64_t> connections{0};
};

/// Counts one connection of a generation while it lives.
class GenerationLease {
public:
  GenerationLease() noexcept = default;
  explicit GenerationLease(std::shared_ptr<GenerationCount> count) noexcept
      : count_(std::move(count)) {
    count_->connections.fetch_add(1, std::memory_order_relaxed);
  }
  GenerationLease(GenerationLease&& other) noexcept = default;
  GenerationLease& operator=(GenerationLease&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  ~GenerationLease() {
    if (count_ != nullptr) count_->connections.fetch_sub(1, std::memory_order_relaxed);
  }

  /// 0: none.
  std::uint64_t number() const noexcept { return count_ == nullptr ? 0 : count_->number; }

private:
  std::shared_ptr<GenerationCount> count_;
};

struct LiveNames::State {
  /// A generation as shards take it. Never changed once published.
  struct Snapshot {
    std::shared_ptr<const Names> names;
    std::shared_ptr<GenerationCount> count;
  };

  explicit State(Names first);

  /// Where: any thread.
  Snapshot snapshot() const;
  /// Publishes what `change` makes of a copy of the current map; changes come one after another.
  template <class Change>
  Result<std::uint64_t> change(Change change) {
    const std::lock_guard lock(changes_);
    Names next = *snapshot().names;
    if (auto changed = change(next); !changed) return std::unexpected(changed.error());
    return publish(std::move(next));
  }
  std::uint64_t publish_whole(Names next) {
    const std::lock_guard lock(changes_);
    return publish(std::move(next));
  }
  std::vector<Generation> generations() const;

  /// The current generation's number: what shards compare before they take a snapshot.
  std::atomic<std::uint64_t> number{1};

private:
  std::uint64_t publish(Names next);

  std::mutex changes_;
  mutable std::mutex mutex_;
  Snapshot current_;                                ///< under mutex_
  std::vector<std::weak_ptr<GenerationCount>> old_; ///< under mutex_
};

} // namespace ringfort::tls
