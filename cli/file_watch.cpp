#include "cli/file_watch.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

// A file that is written in place is whole when it is closed; one that replaces another is moved.
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
/// Certificate and key change one after the other: what follows within this time belongs together.
constexpr int rest_ms = 200;

void discard_events(int descriptor) {
  std::array<char, 4096> events;
  while (::read(descriptor, events.data(), events.size()) > 0) {}
}

} // namespace

FileWatch::~FileWatch() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(end_, &one, sizeof one);
    thread_.join();
  }
  if (events_ >= 0) ::close(events_);
  if (end_ >= 0) ::close(end_);
}

bool FileWatch::start(const std::vector<std::string>& folders, std::function<void()> changed) {
  events_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  end_ = ::eventfd(0, EFD_CLOEXEC);
  if (events_ < 0 || end_ < 0) return false;
  for (const std::string& folder : folders) {
    if (::inotify_add_watch(events_, folder.c_str(), changes | IN_ONLYDIR) < 0) return false;
  }
  changed_ = std::move(changed);
  thread_ = std::jthread([this] { wait(); });
  return true;
}

void FileWatch::wait() const {
  while (true) {
    std::array<pollfd, 2> waiting{{{events_, POLLIN, 0}, {end_, POLLIN, 0}}};
    (void)::poll(waiting.data(), waiting.size(), -1);
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0) continue;
    if (!settle()) return;
    changed_();
  }
}

/// Until nothing has changed for a moment. False: the thread shall end.
bool FileWatch::settle() const {
  while (true) {
    discard_events(events_);
    std::array<pollfd, 2> waiting{{{events_, POLLIN, 0}, {end_, POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), rest_ms);
    if (waiting[1].revents != 0) return false;
    if (ready == 0) return true;
  }
}

} // namespace ringfort::cli
