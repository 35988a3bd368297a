#include "cli/successor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include <fcntl.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/inherited.hpp"

namespace ringfort::cli {

namespace {

std::string errno_text() { return std::strerror(errno); }

// ---------------------------------------------------------------------------- its environment

/// What is not handed on as it is.
bool is_replaced(std::string_view variable) {
  constexpr std::array<std::string_view, 6> names{"LISTEN_PID",     "LISTEN_FDS",
                                                  "LISTEN_FDNAMES", "NOTIFY_SOCKET",
                                                  "WATCHDOG_PID",   supervisor_variable};
  return std::ranges::find(names, variable.substr(0, variable.find('='))) != names.end();
}

/// Room for the digits of a process that is not yet there.
constexpr std::string_view unknown_process = "0000000000";

std::vector<std::string> environment_with(const std::vector<Gift>& gifts,
                                          const std::string& notices,
                                          const std::string& supervisor) {
  std::vector<std::string> variables{
      std::string("LISTEN_PID=").append(unknown_process),
      std::string("WATCHDOG_PID=").append(unknown_process),
      "LISTEN_FDS=" + std::to_string(gifts.size()),
      "NOTIFY_SOCKET=" + notices,
  };
  std::string names = "LISTEN_FDNAMES=";
  for (const Gift& gift : gifts) names.append(gift.name).append(":");
  if (!gifts.empty()) names.pop_back();
  variables.push_back(std::move(names));
  variables.push_back(std::string(supervisor_variable) + '=' + supervisor);
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!is_replaced(*variable)) variables.emplace_back(*variable);
  }
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// ---------------------------------------------------------------------------- its start

/// All that the new process needs, made before there is one.
struct Launch {
  const char* path;
  char* const* arguments;
  char* const* environment;                ///< the first two hold unknown_process
  std::span<const Descriptor> descriptors; ///< beyond those that they become
  /// Of exec. Volatile, because the new process writes it and this one reads it: compilers see
  /// neither that the two share memory nor that vfork returns after the write.
  volatile int error_number = 0;
};

/// Digits with zeros in front, as sd_listen_fds(3) reads them.
void write_process(char* variable, pid_t process) noexcept {
  char* digit = variable + std::strlen(variable);
  for (std::size_t count = unknown_process.size(); count > 0; --count, process /= 10) {
    *--digit = static_cast<char>('0' + process % 10);
  }
}

/// In the new process, which has its predecessor's memory until exec: nothing may be allocated.
[[noreturn]] void become(Launch& launch) noexcept {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const pid_t process = getpid();
  write_process(launch.environment[0], process);
  write_process(launch.environment[1], process);
  int number = first_inherited_descriptor;
  for (const Descriptor& descriptor : launch.descriptors) (void)dup2(descriptor.get(), number++);
  // Files that other threads have open as streams would go along.
  (void)close_range(static_cast<unsigned>(number), ~0U, CLOSE_RANGE_CLOEXEC);
  execve(launch.path, launch.arguments, launch.environment);
  launch.error_number = errno;
  _exit(127);
}

// vfork, because a shard's memory is large: fork would copy its tables while clients wait.
pid_t spawn(Launch& launch) noexcept {
  const pid_t process = vfork();
  if (process == 0) become(launch);
  return process;
}

/// Duplicates that lie beyond the numbers that the new process will have them under.
std::vector<Descriptor> lift(const std::vector<Gift>& gifts) {
  std::vector<Descriptor> lifted;
  const int beyond = first_inherited_descriptor + static_cast<int>(gifts.size());
  for (const Gift& gift : gifts) {
    lifted.emplace_back(::fcntl(gift.descriptor, F_DUPFD_CLOEXEC, beyond));
    if (!lifted.back()) return {};
  }
  return lifted;
}

/// A socket under a name of the kernel's choice that tells who wrote to it (unix(7)).
Descriptor open_notices(std::string& name) {
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool open = socket &&
                    ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
                    ::bind(socket.get(), generic, sizeof(sa_family_t)) == 0 &&
                    ::getsockname(socket.get(), generic, &size) == 0;
  if (!open) return {};
  const std::size_t name_bytes = size - offsetof(sockaddr_un, sun_path);
  name.assign(address.sun_path, name_bytes);
  name[0] = '@';
  return socket;
}

} // namespace

Invocation Invocation::of_this_process() {
  Invocation invocation;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  for (std::string argument; std::getline(file, argument, '\0');) {
    invocation.arguments.push_back(std::move(argument));
  }
  // Links stay as they are: one that leads to another file by then is how programs are replaced.
  const auto* const executed = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  if (executed != nullptr) invocation.path = std::filesystem::absolute(executed).string();
  return invocation;
}

std::expected<Successor, std::string> Successor::start(const Invocation& invocation,
                                                       const std::vector<Gift>& gifts,
                                                       const std::string& supervisor) {
  std::string name;
  Successor successor(open_notices(name));
  if (!successor.notices_) return std::unexpected("no socket for its notices: " + errno_text());
  const std::vector<Descriptor> descriptors = lift(gifts);
  if (descriptors.size() != gifts.size()) return std::unexpected(errno_text());
  std::vector<std::string> arguments = invocation.arguments;
  std::vector<std::string> environment = environment_with(gifts, name, supervisor);
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  Launch launch{.path = invocation.path.c_str(),
                .arguments = argument_pointers.data(),
                .environment = environment_pointers.data(),
                .descriptors = descriptors};
  successor.process_ = spawn(launch);
  if (successor.process_ < 0) return std::unexpected("fork: " + errno_text());
  successor.life_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, successor.process_, 0)));
  if (launch.error_number == 0 && successor.life_) return successor;
  const std::string reason = errno_text();
  (void)successor.kill({});
  if (launch.error_number == 0) return std::unexpected("pidfd_open: " + reason);
  return std::unexpected(invocation.path + ": " + std::strerror(launch.error_number));
}

// ---------------------------------------------------------------------------- its readiness

std::string Successor::wait_until_ready(std::chrono::milliseconds patience, int stop) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    // Not only when poll() is quiet: anybody can write to the notices for ever.
    if (left.count() <= 0) return kill("it was not ready in time, and was killed");
    std::array<pollfd, 3> waiting{
        {{notices_.get(), POLLIN, 0}, {life_.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return kill(errno_text());
    if (waiting[0].revents != 0 && says_ready()) return has_ended() ? end() : std::string();
    if (waiting[1].revents != 0) return end();
    if (waiting[2].revents != 0) return kill("this process ends, and its successor was killed");
  }
}

/// Whether the next notice is its own, and says so.
bool Successor::says_ready() const {
  std::array<char, 4'096> text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
  iovec piece{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto bytes = ::recvmsg(notices_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (bytes <= 0) return false;
  ucred sender{};
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_CREDENTIALS) {
      std::memcpy(&sender, CMSG_DATA(each), sizeof sender);
    }
  }
  const std::string lines = '\n' + std::string(text.data(), static_cast<std::size_t>(bytes)) + '\n';
  return sender.pid == process_ && lines.contains("\nREADY=1\n");
}

bool Successor::has_ended() const {
  pollfd life{life_.get(), POLLIN, 0};
  return ::poll(&life, 1, 0) > 0;
}

std::string Successor::end() const {
  const std::string failure = reap();
  return failure.empty() ? "it ended with status 0" : failure;
}

std::string Successor::reap() const {
  int status = 0;
  (void)::waitpid(process_, &status, 0);
  if (status == 0) return {};
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status)) + " ended it";
  return "it ended with status " + std::to_string(WEXITSTATUS(status));
}

std::string Successor::kill(std::string reason) const {
  (void)::kill(process_, SIGKILL);
  (void)::waitpid(process_, nullptr, 0);
  return reason;
}

} // namespace ringfort::cli
