// unix_socket — stream sockets of the file system (unix(7)), with bounded patience.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/un.h>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// Empty when a socket cannot have this path: 1 to 107 bytes.
std::optional<sockaddr_un> unix_address(const std::string& path);
/// Listens with mode 0600 at a path where nothing lies, or a socket that nobody answers at, which
/// is then replaced. None, with errno set, when that fails.
Descriptor listen_at(const std::string& path, const sockaddr_un& address);
/// None, with errno set, when nobody answers.
Descriptor connect_to(const sockaddr_un& address);

/// A request, as soon as `whole` says that it is; else what came when the peer stopped, was silent
/// for some seconds, or sent 8 KiB.
std::string read_request(int socket, bool (*whole)(std::string_view text));
/// Up to the end of the stream.
std::string read_all(int socket);
/// False when the peer is gone, or took nothing for some seconds.
bool write_all(int socket, std::string_view text);

} // namespace ringfort::cli
