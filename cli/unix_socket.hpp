// unix_socket — stream sockets of the file system (unix(7)), with bounded patience.
#pragma once

#include <string>
#include <string_view>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// Why nobody can listen at the path, in words; empty when it looks as if one could: nothing lies
/// there, or a socket that nobody answers at.
std::string objection_to(const std::string& path);
/// Listens there with mode 0600, and replaces such a socket. None, with errno set, when that fails.
Descriptor listen_at(const std::string& path);
/// Where it listens.
std::string path_of(const Descriptor& listener);
/// None, with errno set, when nobody answers.
Descriptor connect_to(const std::string& path);

/// A request, as soon as `whole` says that it is; else what came when the peer stopped, was silent
/// for some seconds, or sent 8 KiB.
std::string read_request(int socket, bool (*whole)(std::string_view text));
/// Up to the end of the stream.
std::string read_all(int socket);
/// False when the peer is gone, or took nothing for some seconds.
bool write_all(int socket, std::string_view text);

} // namespace ringfort::cli
