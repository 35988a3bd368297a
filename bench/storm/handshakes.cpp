#include "bench/storm/handshakes.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <thread>

#include <sys/epoll.h>

namespace storm {

namespace {

using namespace std::chrono_literals;

class Storm {
public:
  explicit Storm(const StormPlan& plan)
      : plan_(plan), context_(make_context(plan.suite)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        interval_(std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / plan.offered_per_s))) {}
  ~Storm() { ::close(epoll_); }

  StormResult run() {
    std::this_thread::sleep_until(plan_.begin);
    due_ = plan_.begin;
    while (Clock::now() < plan_.end) {
      begin_what_is_due();
      give_up_what_is_old();
      move_on();
    }
    return std::move(result_);
  }

private:
  struct Entry {
    Entry(SSL_CTX* context, std::uint16_t port) : client(context, port), begun(Clock::now()) {}
    TlsClient client;
    Clock::time_point begun;
    short events = 0;
    std::list<Entry>::iterator place;
  };

  // What is due while the most are open is not made up for later.
  void begin_what_is_due() {
    const auto now = Clock::now();
    for (; due_ <= now; due_ += interval_) {
      if (open_.size() >= plan_.open_max) continue;
      Entry& entry = open_.emplace_back(context_.get(), plan_.port);
      entry.place = std::prev(open_.end());
      entry.events = entry.client.events();
      epoll_event event{static_cast<std::uint32_t>(entry.events), {.ptr = &entry}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, entry.client.descriptor(), &event);
      ++result_.begun;
    }
  }

  void give_up_what_is_old() {
    while (!open_.empty() && Clock::now() - open_.front().begun > 5s) {
      open_.pop_front();
      ++result_.gave_up;
    }
  }

  void move_on() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), 1);
    for (int index = 0; index < count; ++index) {
      move_on(*static_cast<Entry*>(events[static_cast<std::size_t>(index)].data.ptr));
      begin_what_is_due();
    }
  }

  void move_on(Entry& entry) {
    const auto progress = entry.client.shake_hands();
    if (progress == TlsClient::Progress::waits) return watch(entry);
    if (progress == TlsClient::Progress::done) {
      ++result_.done;
      result_.done_ms.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - entry.begun).count());
    } else {
      ++result_.failed;
    }
    open_.erase(entry.place);
  }

  void watch(Entry& entry) {
    if (entry.events == entry.client.events()) return;
    entry.events = entry.client.events();
    epoll_event event{static_cast<std::uint32_t>(entry.events), {.ptr = &entry}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, entry.client.descriptor(), &event);
  }

  const StormPlan& plan_;
  ContextOwner context_;
  int epoll_;
  Clock::duration interval_;
  Clock::time_point due_;
  std::list<Entry> open_; ///< the oldest first
  StormResult result_;
};

} // namespace

StormResult shake_hands(const StormPlan& plan) { return Storm(plan).run(); }

} // namespace storm
