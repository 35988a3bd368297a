// storm — a client that measures what a storm of TLS handshakes does to connections that are there:
//   storm PORT QUIET_S STORM_S LIVE_CONNECTIONS LIVE_RATE OFFERED_PER_S OPEN_MAX SUITE
//
// Prints one line of JSON. scripts/bench-storm runs it against one server after another.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include <sys/resource.h>

#include "bench/storm/handshakes.hpp"
#include "bench/storm/live.hpp"

namespace {

using namespace storm;

double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(place));
  return values[place];
}

void print_latency(const char* name, std::vector<double>& ms) {
  std::printf("\"%s\": {\"count\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}, ",
              name, ms.size(), quantile(ms, 0.5), quantile(ms, 0.99), quantile(ms, 1));
}

} // namespace

int main(int count, char** arguments) {
  if (count != 9) {
    std::fputs("storm PORT QUIET_S STORM_S LIVE_CONNECTIONS LIVE_RATE OFFERED_PER_S OPEN_MAX "
               "SUITE\n",
               stderr);
    return 64;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  const auto seconds = [&](int index) {
    return std::chrono::milliseconds(static_cast<long>(std::atof(arguments[index]) * 1'000));
  };
  const LivePlan live_plan{.port = port,
                           .connections = static_cast<unsigned>(std::atoi(arguments[4])),
                           .rate_per_s = std::atof(arguments[5]),
                           .suite = arguments[8],
                           .quiet = seconds(2),
                           .storm = seconds(3)};
  std::promise<Clock::time_point> storm_begin;
  StormResult stormed;
  std::jthread thread([&] {
    const auto begin = storm_begin.get_future().get();
    stormed = shake_hands({.port = port,
                           .offered_per_s = std::atof(arguments[6]),
                           .open_max = static_cast<unsigned>(std::atoi(arguments[7])),
                           .suite = arguments[8],
                           .begin = begin,
                           .end = begin + live_plan.storm});
  });
  // Where it is permitted: what is measured is the server's delay, not the storm's use of this CPU.
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice - 5);
  LiveResult lived = live(live_plan, storm_begin);
  thread.join();
  const double storm_s = std::chrono::duration<double>(live_plan.storm).count();
  std::printf("{");
  print_latency("quiet", lived.quiet_ms);
  print_latency("storm", lived.storm_ms);
  print_latency("handshake", stormed.done_ms);
  std::printf("\"lost\": %lu, \"begun_per_s\": %.1f, \"done_per_s\": %.1f, \"failed\": %lu, "
              "\"gave_up\": %lu}\n",
              lived.lost, static_cast<double>(stormed.begun) / storm_s,
              static_cast<double>(stormed.done) / storm_s, stormed.failed, stormed.gave_up);
}
