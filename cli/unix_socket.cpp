#include "cli/unix_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace ringfort::cli {

namespace {

constexpr std::size_t request_bytes_max = 8'192;
constexpr int patience_ms = 5'000;
constexpr int backlog = 16;

const sockaddr* generic(const sockaddr_un& address) noexcept {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Empty, with errno set, when a socket cannot have this path: 1 to 107 bytes.
std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  errno = path.empty() ? ENOENT : ENAMETOOLONG;
  if (path.empty() || path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor new_socket(int flags = 0) noexcept {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

bool ready(int socket, short events) noexcept {
  pollfd waiting{socket, events, 0};
  return ::poll(&waiting, 1, patience_ms) == 1;
}

/// A socket whose program is gone stays in the file system: it may be taken over.
bool is_deserted(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  return !connect_to(path) && errno == ECONNREFUSED;
}

} // namespace

std::string objection_to(const std::string& path) {
  if (!address_of(path)) return "a socket's path has 1 to 107 bytes";
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return "something that is no socket lies there";
    if (!is_deserted(path)) return "another program uses it";
  } else if (errno != ENOENT) {
    return std::strerror(errno);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const bool usable = ::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0;
  return usable ? "" : std::strerror(errno);
}

Descriptor listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return {};
  if (is_deserted(path)) ::unlink(path.c_str());
  // Of two processes that hear of a client, one comes too late, and is not to wait for the next.
  Descriptor listener = new_socket(SOCK_NONBLOCK);
  // The mode is the socket's from its first moment: fchmod(2) before bind(2) (unix(7)).
  const bool listens = listener && ::fchmod(listener.get(), S_IRUSR | S_IWUSR) == 0 &&
                       ::bind(listener.get(), generic(*address), sizeof *address) == 0 &&
                       ::listen(listener.get(), backlog) == 0;
  return listens ? std::move(listener) : Descriptor();
}

std::string path_of(const Descriptor& listener) {
  sockaddr_un address{};
  socklen_t bytes = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return {};
  return {address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)};
}

Descriptor connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return {};
  Descriptor connected = new_socket();
  if (!connected || ::connect(connected.get(), generic(*address), sizeof *address) != 0) return {};
  return connected;
}

std::string read_request(int socket, bool (*whole)(std::string_view text)) {
  std::string text;
  std::array<char, 1'024> piece;
  while (!whole(text) && text.size() < request_bytes_max && ready(socket, POLLIN)) {
    const auto bytes = ::read(socket, piece.data(), piece.size());
    if (bytes <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  return text;
}

std::string read_all(int socket) {
  std::string text;
  std::array<char, 16'384> piece;
  for (ssize_t bytes = 0; (bytes = ::read(socket, piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  return text;
}

bool write_all(int socket, std::string_view text) {
  while (!text.empty() && ready(socket, POLLOUT)) {
    const auto bytes = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (bytes <= 0 && errno != EAGAIN) return false;
    if (bytes > 0) text.remove_prefix(static_cast<std::size_t>(bytes));
  }
  return text.empty();
}

} // namespace ringfort::cli
