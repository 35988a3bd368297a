// running — an engine of several shards that runs until its test is over, and threads that begin
// at one moment.
#pragma once

#include <barrier>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <ringfort/engine.hpp>

namespace ringfort::threads {

inline constexpr unsigned shard_count = 3;
inline constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

class Running {
public:
  Running() : engine_(*Engine::create(options())) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    engine_->drain(std::chrono::milliseconds::zero());
    if (thread_.joinable()) thread_.join();
  }

  Engine& operator*() const noexcept { return *engine_; }
  Engine* operator->() const noexcept { return engine_.get(); }

  void run() {
    thread_ = std::thread([this] { ended_ = engine_->run(); });
  }
  /// Waits until a drain that was asked for is over.
  Result<> join() {
    thread_.join();
    return ended_;
  }

private:
  static EngineOptions options() {
    EngineOptions options;
    options.shards = shard_count;
    options.pin_threads = false; // Fewer CPUs than shards interleave all the more.
    options.ring_entries = 64;
    options.receive_buffer_count = 64;
    options.block_count = 256;
    options.limits.connections_max = 256;
    options.limits.first_byte_timeout = std::chrono::minutes(1); // Sanitized code is slow.
    options.limits.handshake_timeout = std::chrono::minutes(1);
    return options;
  }

  std::unique_ptr<Engine> engine_;
  std::thread thread_;
  Result<> ended_;
};

/// Runs `work(index)` on `count` threads that begin together, and waits for all of them.
template <class Work>
void together(unsigned count, const Work& work) {
  std::barrier begin(count);
  std::vector<std::jthread> threads;
  for (unsigned index = 0; index < count; ++index) {
    threads.emplace_back([&work, &begin, index] {
      begin.arrive_and_wait();
      work(index);
    });
  }
}

} // namespace ringfort::threads
