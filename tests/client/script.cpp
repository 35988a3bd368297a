#include "tests/client/script.hpp"

#include <utility>

#include <sys/socket.h>

namespace ringfort::client {

Script::Script(unsigned connections, std::function<void(Guest&)> act)
    : thread_([listener = listener_.descriptor(), connections, act = std::move(act)] {
        // A client that never comes fails the test instead of holding it up for ever.
        constexpr timeval patience{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        for (unsigned count = 0; count < connections; ++count) {
          const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
          if (accepted < 0) return;
          Guest guest = Guest::of(accepted);
          act(guest);
        }
      }) {}

void Script::wait() { thread_.join(); }

Script::~Script() {
  ::shutdown(listener_.descriptor(), SHUT_RDWR); // Ends a wait for one more connection.
  if (thread_.joinable()) thread_.join();
}

} // namespace ringfort::client
