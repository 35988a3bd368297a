#include "cli/admin.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

constexpr std::size_t line_bytes_max = 1'024;
constexpr int patience_ms = 5'000; ///< with a client that sends no line, or takes no answer

class Socket {
public:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

private:
  int descriptor_;
};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int new_socket() noexcept { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

bool connect_to(int descriptor, const sockaddr_un& address) noexcept {
  return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool ready(int descriptor, short events) noexcept {
  pollfd waiting{descriptor, events, 0};
  return ::poll(&waiting, 1, patience_ms) == 1;
}

/// Up to the line's end; what came when the client stopped, or sent too much.
std::string read_line(int descriptor) {
  std::string line;
  std::array<char, line_bytes_max> piece;
  while (line.size() < line_bytes_max && ready(descriptor, POLLIN)) {
    const auto bytes = ::read(descriptor, piece.data(), piece.size());
    if (bytes <= 0) break;
    line.append(piece.data(), static_cast<std::size_t>(bytes));
    if (const std::size_t end = line.find('\n'); end != std::string::npos)
      return line.substr(0, end);
  }
  return line;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty() && ready(descriptor, POLLOUT)) {
    const auto bytes = ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (bytes <= 0 && errno != EAGAIN) return false;
    if (bytes > 0) text.remove_prefix(static_cast<std::size_t>(bytes));
  }
  return text.empty();
}

ExitStatus complain_of(const std::string& path, const std::string& text) {
  std::cerr << "ringfort: --admin " << path << ": " << text << std::endl;
  return ExitStatus::config;
}

/// A socket whose program is gone stays in the file system: it may be taken over.
bool is_deserted(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const Socket probe(new_socket());
  return !connect_to(probe.get(), address) && errno == ECONNREFUSED;
}

} // namespace

Admin::~Admin() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(end_, &one, sizeof one);
    thread_.join();
  }
  if (listener_ >= 0) {
    ::close(listener_);
    ::unlink(path_.c_str());
  }
  if (end_ >= 0) ::close(end_);
}

void Admin::add(std::string word, std::string help, Command command) {
  commands_.emplace(std::move(word), Entry{std::move(help), std::move(command)});
}

bool Admin::start(const std::string& path, ExitStatus& status) {
  const auto address = address_of(path);
  if (!address) {
    status = complain_of(path, "a socket's path has 1 to 107 bytes");
    return false;
  }
  if (is_deserted(path, *address)) ::unlink(path.c_str());
  Socket listener(new_socket());
  // The mode is the socket's from its first moment: fchmod(2) before bind(2) (unix(7)).
  const bool listens =
      listener.get() >= 0 && ::fchmod(listener.get(), S_IRUSR | S_IWUSR) == 0 &&
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 &&
      ::listen(listener.get(), 16) == 0;
  end_ = listens ? ::eventfd(0, EFD_CLOEXEC) : -1;
  if (end_ < 0) {
    status = complain_of(path, std::strerror(errno));
    return false;
  }
  path_ = path;
  listener_ = listener.release();
  thread_ = std::jthread([this] { serve(); });
  return true;
}

void Admin::serve() const {
  while (true) {
    std::array<pollfd, 2> waiting{{{listener_, POLLIN, 0}, {end_, POLLIN, 0}}};
    (void)::poll(waiting.data(), waiting.size(), -1);
    if (waiting[1].revents != 0) return;
    const Socket client(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (client.get() >= 0) (void)write_all(client.get(), answer(read_line(client.get())));
  }
}

std::string Admin::answer(const std::string& line) const {
  const auto command = commands_.find(line);
  if (command != commands_.end()) return command->second.run();
  std::string text = line == "help" ? "" : "unknown command '" + line + "'; there are:\n";
  for (const auto& [word, entry] : commands_) {
    text.append(word).append(word.size() < 14 ? 14 - word.size() : 1, ' ');
    text.append(entry.help).append("\n");
  }
  return text;
}

ExitStatus inspect(const InspectFlags& flags) {
  const auto address = address_of(flags.admin);
  if (!address) return complain_of(flags.admin, "a socket's path has 1 to 107 bytes");
  const Socket program(new_socket());
  if (!connect_to(program.get(), *address)) {
    complain_of(flags.admin, std::string(std::strerror(errno)) + ": is the program running?");
    return ExitStatus::unavailable;
  }
  if (!write_all(program.get(), flags.what + '\n')) return ExitStatus::os_error;
  std::string answer;
  std::array<char, 16'384> piece;
  for (ssize_t bytes = 0; (bytes = ::read(program.get(), piece.data(), piece.size())) > 0;) {
    answer.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  const bool unknown = answer.starts_with("unknown command");
  (unknown ? std::cerr : std::cout) << answer << std::flush;
  return unknown ? ExitStatus::usage : ExitStatus::ok;
}

} // namespace ringfort::cli
