#include "cli/listening.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "cli/serve_flags.hpp"

namespace ringfort::cli {

namespace {

void append(Listening& listening, Endpoint endpoint, Descriptor socket) {
  endpoint.sockets.push_back(socket.get());
  listening.sockets.push_back(std::move(socket));
  listening.endpoints.push_back(std::move(endpoint));
}

/// 0 for what has none.
std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return 0;
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

/// As the predecessor's endpoints came one after the other, each with all of its sockets.
Listening of_predecessor(Inherited& inherited) {
  Listening listening;
  while (true) {
    const std::string name =
        std::string(inherited_socket_prefix) + std::to_string(listening.endpoints.size());
    Descriptor socket = inherited.take(name);
    if (!socket) return listening;
    append(listening, {}, std::move(socket));
    while ((socket = inherited.take(name))) {
      listening.endpoints.back().sockets.push_back(socket.get());
      listening.sockets.push_back(std::move(socket));
    }
  }
}

/// Whether they are what the flags ask for, as far as these say it: they go on as they are.
bool fits(const Listening& passed, const ServeFlags& flags) {
  if (flags.listen.empty() || !flags.listen_passed.empty()) return true;
  return std::ranges::equal(
      flags.listen, passed.endpoints, [](const Endpoint& wanted, const Endpoint& one) {
        return wanted.port == 0 || wanted.port == port_of(one.sockets.front());
      });
}

/// All sockets of a name; of any name for an empty one.
void append_passed(Listening& listening, const std::string& name, Inherited& inherited,
                   Complaints& complaints) {
  const std::size_t before = listening.endpoints.size();
  const auto next = [&]() -> Descriptor {
    if (!name.empty()) return inherited.take(name);
    auto any = inherited.take_any();
    return any ? std::move(any->descriptor) : Descriptor();
  };
  for (Descriptor socket; (socket = next());) append(listening, {}, std::move(socket));
  if (listening.endpoints.size() > before) return;
  const std::string flag = "--listen systemd" + (name.empty() ? "" : ':' + name);
  complaints.add(flag, inherited.none() ? "no socket was passed (LISTEN_FDS): start it by its "
                                          "socket unit, or name an address"
                                        : "no socket has this name: " + inherited.names());
}

} // namespace

std::optional<Listening> places_to_listen(const ServeFlags& flags, Inherited& inherited,
                                          Complaints& complaints) {
  Listening listening = of_predecessor(inherited);
  if (!listening.endpoints.empty()) {
    if (fits(listening, flags)) return listening;
    complaints.add("--listen", "the predecessor's sockets go on, and are others: to listen "
                               "elsewhere, start anew");
    return {};
  }
  listening.endpoints = flags.listen;
  std::vector<std::string> passed = flags.listen_passed;
  if (listening.endpoints.empty() && passed.empty()) {
    if (inherited.none()) listening.endpoints.push_back({});
    if (!inherited.none()) passed.emplace_back();
  }
  for (const std::string& name : passed) append_passed(listening, name, inherited, complaints);
  if (complaints.none() && !inherited.none()) {
    complaints.add("--listen", "sockets were passed that no flag asks for, and their clients "
                               "would wait for ever: " +
                                   inherited.names());
  }
  if (!complaints.none()) return {};
  return listening;
}

} // namespace ringfort::cli
