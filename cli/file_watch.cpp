#include "cli/file_watch.hpp"

#include <array>
#include <cstdint>
#include <utility>

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

bool FileWatch::start(const std::vector<std::string>& folders, std::function<void()> changed) {
  events_ = Descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!events_) return false;
  for (const std::string& folder : folders) {
    if (::inotify_add_watch(events_.get(), folder.c_str(), changes | IN_ONLYDIR) < 0) return false;
  }
  changed_ = std::move(changed);
  return thread_.start([this] { wait(); });
}

void FileWatch::wait() const {
  while (thread_.wait_for(events_.get()) != PollingThread::Woken::end) {
    if (!settle()) return;
    changed_();
  }
}

/// Until nothing has changed for a moment. False: the thread shall end.
bool FileWatch::settle() const {
  while (true) {
    discard_events(events_.get());
    switch (thread_.wait_for(events_.get(), rest_ms)) {
    case PollingThread::Woken::ready: break;
    case PollingThread::Woken::quiet: return true;
    case PollingThread::Woken::end: return false;
    }
  }
}

} // namespace ringfort::cli
