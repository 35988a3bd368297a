#include "cli/polling_thread.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::cli {

PollingThread::PollingThread() : end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

bool PollingThread::start(std::function<void()> body) {
  if (!end_) end_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!end_) return false;
  std::uint64_t ended_before = 0;
  (void)!::read(end_.get(), &ended_before, sizeof ended_before);
  thread_ = std::jthread(std::move(body));
  return true;
}

PollingThread::Woken PollingThread::wait_for(int descriptor, int timeout_ms) const {
  while (true) {
    std::array<pollfd, 2> waiting{{{descriptor, POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), timeout_ms);
    if (waiting[1].revents != 0) return Woken::end;
    if (ready == 0) return Woken::quiet;
    if (waiting[0].revents != 0) return Woken::ready;
  }
}

void PollingThread::end() const { raise(end_); }

void PollingThread::finish() {
  if (!thread_.joinable()) return;
  end();
  thread_.join();
}

} // namespace ringfort::cli
