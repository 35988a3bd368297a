#include "cli/live_connections.hpp"

#include <chrono>
#include <future>
#include <iterator>
#include <memory>

namespace ringfort::cli {

namespace {

constexpr std::chrono::seconds patience{5};

/// Some of a shard's connections.
struct Page {
  std::vector<ConnectionReport> reports;
  std::uint32_t next = 0; ///< where to go on; 0: nowhere
};

/// The promise is the job's: one that is dropped unrun breaks it.
std::future<Page> ask(Shard& shard, std::uint32_t from) {
  std::promise<Page> promise;
  std::future<Page> page = promise.get_future();
  (void)shard.post([&shard, from, promise = std::move(promise)]() mutable {
    Page found;
    found.next = shard.look(from, found.reports);
    promise.set_value(std::move(found));
  });
  return page;
}

/// False: the shard is silent.
bool look_at(Shard& shard, std::vector<ConnectionReport>& reports) {
  std::uint32_t from = 0;
  do {
    std::future<Page> coming = ask(shard, from);
    if (coming.wait_for(patience) != std::future_status::ready) return false;
    try {
      Page page = coming.get();
      from = page.next;
      std::ranges::move(page.reports, std::back_inserter(reports));
    } catch (const std::future_error&) {
      return true; // It has ended, and has no connections.
    }
  } while (from != 0);
  return true;
}

} // namespace

LiveConnections look_at_connections(Engine& engine) {
  LiveConnections live;
  for (unsigned index = 0; index < engine.shard_count(); ++index) {
    if (!look_at(engine.shard(index), live.reports)) live.silent_shards.push_back(index);
  }
  return live;
}

} // namespace ringfort::cli
