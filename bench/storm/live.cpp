#include "bench/storm/live.hpp"

#include <algorithm>
#include <chrono>

#include <poll.h>

namespace storm {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view answer_end = "Hello, world!";

class Live {
public:
  explicit Live(const LivePlan& plan)
      : plan_(plan), context_(make_context(plan.suite)),
        interval_(std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / plan.rate_per_s))),
        askers_(plan.connections) {}

  LiveResult run(std::promise<Clock::time_point>& storm_begin) {
    for (Asker& asker : askers_) connect(asker);
    auto due = Clock::now();
    storm_begin_ = due + plan_.quiet;
    end_ = storm_begin_ + plan_.storm;
    storm_begin.set_value(storm_begin_);
    for (Asker& asker : askers_) asker.due = due += interval_ / plan_.connections;
    while (Clock::now() < end_ + 10s) {
      ask_what_is_due();
      const auto next = next_due();
      if (next == Clock::time_point::max() && waiting() == 0) break;
      wait(next);
    }
    result_.lost += waiting();
    return std::move(result_);
  }

private:
  struct Asker {
    std::unique_ptr<TlsClient> client;
    Clock::time_point due;
    bool asked = false;
    bool gone = false;
  };

  void connect(Asker& asker) {
    asker.client = std::make_unique<TlsClient>(context_.get(), plan_.port);
    while (true) {
      pollfd one{asker.client->descriptor(), asker.client->events(), 0};
      (void)::poll(&one, 1, 1'000);
      const auto progress = asker.client->shake_hands();
      if (progress == TlsClient::Progress::done) return;
      if (progress == TlsClient::Progress::failed) return lose(asker);
    }
  }

  void lose(Asker& asker) {
    asker.gone = true;
    ++result_.lost;
  }

  void ask_what_is_due() {
    const auto now = Clock::now();
    for (Asker& asker : askers_) {
      if (asker.gone || asker.asked || asker.due > now || asker.due >= end_) continue;
      asker.asked = asker.client->ask();
      if (!asker.asked) lose(asker);
    }
  }

  Clock::time_point next_due() const {
    auto next = Clock::time_point::max();
    for (const Asker& asker : askers_) {
      if (!asker.gone && !asker.asked && asker.due < end_) next = std::min(next, asker.due);
    }
    return next;
  }

  std::uint64_t waiting() const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        askers_, [](const Asker& asker) { return asker.asked && !asker.gone; }));
  }

  void wait(Clock::time_point until) {
    std::vector<pollfd> polled;
    for (const Asker& asker : askers_) {
      const bool waits = asker.asked && !asker.gone;
      polled.push_back({waits ? asker.client->descriptor() : -1, POLLIN, 0});
    }
    const auto left = std::clamp<std::chrono::nanoseconds>(until - Clock::now(), 0ns, 100ms);
    const timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(left.count())};
    (void)::ppoll(polled.data(), polled.size(), &time, nullptr);
    for (std::size_t index = 0; index < askers_.size(); ++index) {
      if (polled[index].revents != 0) read(askers_[index]);
    }
  }

  void read(Asker& asker) {
    const auto progress = asker.client->read_answer(answer_end);
    if (progress == TlsClient::Progress::waits) return;
    if (progress == TlsClient::Progress::failed) return lose(asker);
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - asker.due).count();
    (asker.due < storm_begin_ ? result_.quiet_ms : result_.storm_ms).push_back(ms);
    asker.asked = false;
    asker.due += interval_;
  }

  const LivePlan& plan_;
  ContextOwner context_;
  Clock::duration interval_;
  Clock::time_point storm_begin_;
  Clock::time_point end_;
  std::vector<Asker> askers_;
  LiveResult result_;
};

} // namespace

LiveResult live(const LivePlan& plan, std::promise<Clock::time_point>& storm_begin) {
  return Live(plan).run(storm_begin);
}

} // namespace storm
