#include "tls/live_names.hpp"

#include <algorithm>

namespace ringfort::tls {

LiveNames::State::State(Names first)
    : current_{std::make_shared<const Names>(std::move(first)),
               std::make_shared<GenerationCount>(number.load())} {}

LiveNames::State::Snapshot LiveNames::State::snapshot() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

// The old map is freed by whoever lets go of it last, and not under the lock.
std::uint64_t LiveNames::State::publish(Names next) {
  Snapshot snapshot{std::make_shared<const Names>(std::move(next)), nullptr};
  const std::uint64_t next_number = number.load(std::memory_order_relaxed) + 1;
  snapshot.count = std::make_shared<GenerationCount>(next_number);
  const std::lock_guard lock(mutex_);
  std::erase_if(old_, [](const auto& generation) { return generation.expired(); });
  old_.push_back(current_.count);
  std::swap(current_, snapshot);
  number.store(next_number, std::memory_order_release);
  return next_number;
}

std::vector<LiveNames::Generation> LiveNames::State::generations() const {
  std::vector<Generation> generations;
  const std::lock_guard lock(mutex_);
  for (const auto& generation : old_) {
    const auto count = generation.lock();
    const std::uint64_t connections = count == nullptr ? 0 : count->connections.load();
    if (connections > 0) generations.push_back({count->number, connections});
  }
  generations.push_back({current_.count->number, current_.count->connections.load()});
  return generations;
}

LiveNames::LiveNames(Names first) : state_(std::make_shared<State>(std::move(first))) {}

LiveNames::LiveNames(Context context)
    : LiveNames([&context] {
        Names names;
        names.set_default(std::move(context));
        return names;
      }()) {}

std::uint64_t LiveNames::publish(Names next) { return state_->publish_whole(std::move(next)); }

Result<std::uint64_t> LiveNames::replace(std::string_view pattern, Context context) {
  return state_->change([&](Names& names) { return names.set(pattern, std::move(context)); });
}

std::uint64_t LiveNames::replace_default(Context context) {
  const auto changed = state_->change([&](Names& names) {
    names.set_default(std::move(context));
    return Result<>();
  });
  return *changed;
}

Names LiveNames::names() const { return *state_->snapshot().names; }
std::uint64_t LiveNames::generation() const noexcept { return state_->number; }
std::vector<LiveNames::Generation> LiveNames::generations() const { return state_->generations(); }

} // namespace ringfort::tls
