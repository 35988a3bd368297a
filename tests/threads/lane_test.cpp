// That the lane sees races: cases with a planted one run in a process of their own, which the
// sanitizer has to fail.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/threads/running.hpp"

namespace ringfort::threads {
namespace {

constexpr int sanitizer_exit = 66; ///< its default exitcode

struct Ended {
  int status;
  std::string output;
};

/// Runs one hidden case of this very program.
Ended run_case(const std::string& name) {
  std::array<char, 4'096> memory{};
  REQUIRE(::readlink("/proc/self/exe", memory.data(), memory.size() - 1) > 0);
  const std::string command = "'" + std::string(memory.data()) + "' '" + name + "' 2>&1";
  std::FILE* const child = ::popen(command.c_str(), "r");
  REQUIRE(child != nullptr);
  Ended ended{};
  while (const std::size_t bytes = std::fread(memory.data(), 1, memory.size(), child)) {
    ended.output.append(memory.data(), bytes);
  }
  const int status = ::pclose(child);
  REQUIRE(WIFEXITED(status));
  ended.status = WEXITSTATUS(status);
  return ended;
}

void require_race(const std::string& name, const std::string& function) {
  const Ended ended = run_case(name);
  INFO(ended.output);
  CHECK(ended.status == sanitizer_exit);
  CHECK(ended.output.find("WARNING: ThreadSanitizer: data race") != std::string::npos);
  CHECK(ended.output.find(function) != std::string::npos);
}

// ---------------------------------------------------------------------------- planted ones

ServiceFactory silent() {
  return [](Shard&) { return service([](Exchange&) {}); };
}

[[gnu::noinline]] void count_without_lock(std::uint64_t& count) { ++count; }

TEST_CASE("planted: jobs of two shards write one count", "[.planted]") {
  std::uint64_t count = 0;
  Running running;
  REQUIRE(running->serve_plain({.port = 0}, silent()));
  running.run();
  for (unsigned shard = 0; shard < 2; ++shard) {
    REQUIRE(running->shard(shard).post([&count] { count_without_lock(count); }));
  }
  running->drain(std::chrono::milliseconds::zero());
  CHECK(running.join());
  CHECK(count <= 2);
}

[[gnu::noinline]] void write_after_posting(std::uint64_t& word) { word = 2; }

TEST_CASE("planted: what a job reads is written after it was posted", "[.planted]") {
  std::uint64_t word = 1;
  std::uint64_t read = 0;
  Running running;
  REQUIRE(running->serve_plain({.port = 0}, silent()));
  running.run();
  REQUIRE(running->shard(0).post([&] { read = word; }));
  write_after_posting(word);
  running->drain(std::chrono::milliseconds::zero());
  CHECK(running.join());
  CHECK(read > 0);
}

// ---------------------------------------------------------------------------- and seen

TEST_CASE("threads: a race between the jobs of two shards fails this program") {
  require_race("planted: jobs of two shards write one count", "count_without_lock");
}

TEST_CASE("threads: a race between a job and who posted it fails this program") {
  require_race("planted: what a job reads is written after it was posted", "write_after_posting");
}

} // namespace
} // namespace ringfort::threads
