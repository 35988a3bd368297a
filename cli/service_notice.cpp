#include "cli/service_notice.hpp"

#include <chrono>
#include <cstddef>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

namespace {

void send_to(const std::string& name, std::string_view lines) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const bool usable = name.starts_with('/') || name.starts_with('@');
  if (!usable || name.size() >= sizeof address.sun_path) return;
  name.copy(address.sun_path, name.size());
  const bool abstract = name.starts_with('@');
  if (abstract) address.sun_path[0] = '\0';
  // An abstract name ends with the address, a path with a zero byte.
  const std::size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
}

/// A status is one line.
std::string with_status(std::string_view line, std::string_view status) {
  return std::string(line).append("\nSTATUS=").append(status.substr(0, status.find('\n')));
}

} // namespace

ServiceNotice::ServiceNotice(std::string address, std::optional<std::string> later)
    : predecessor_(later ? std::move(address) : ""),
      supervisor_(later ? std::move(*later) : std::move(address)) {}

void ServiceNotice::tell(std::string_view lines) const {
  if (started_ && !handed_on_) send_to(supervisor_, lines);
}

// Of a successor the supervisor hears by its predecessor, who is the service until then.
bool ServiceNotice::ready(std::string_view status) {
  if (stopping_) return false;
  send_to(predecessor_.empty() ? supervisor_ : predecessor_, with_status("READY=1", status));
  started_ = true;
  return true;
}

void ServiceNotice::reloaded(std::string_view status) { tell(with_status("READY=1", status)); }

void ServiceNotice::reloading() {
  using namespace std::chrono;
  // Its clock is CLOCK_MONOTONIC (sd_notify(3)).
  const auto now = duration_cast<microseconds>(steady_clock::now().time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceNotice::stopping(std::string_view status) {
  stopping_ = true;
  tell(with_status("STOPPING=1", status));
}

void ServiceNotice::alive() { tell("WATCHDOG=1"); }

// READY ends a reload that still runs, whose own end is not told any more. The successor's first
// sign of life is half an interval away.
void ServiceNotice::hand_on(int process) {
  const std::string number = std::to_string(process);
  tell(with_status("MAINPID=" + number + "\nREADY=1\nWATCHDOG=1",
                   "process " + number + " has taken over"));
  handed_on_ = true;
}

} // namespace ringfort::cli
