// successor — another process of the program's own file, started to go on with what it holds. It is
// given descriptors as a supervisor would (sd_listen_fds(3)), and says when it is ready
// (sd_notify(3)).
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// How this process was started: its file, as a path that leads to whatever lies there when a
/// successor is started, and its arguments.
struct Invocation {
  std::string path;
  std::vector<std::string> arguments; ///< the first is the program's name

  /// Before the working directory changes.
  static Invocation of_this_process();
};

/// What a successor gets.
struct Gift {
  std::string name;
  int descriptor;
};

/// The variable that names the supervisor's socket, beside a NOTIFY_SOCKET of the
/// predecessor's own. Each successor has it; empty: there is no supervisor.
inline constexpr const char* supervisor_variable = "RINGFORT_SUPERVISOR_SOCKET";

class Successor {
public:
  /// `supervisor` is the supervisor's NOTIFY_SOCKET; empty: there is none.
  /// Why it could not be started, in words, otherwise.
  static std::expected<Successor, std::string> start(const Invocation& invocation,
                                                     const std::vector<Gift>& gifts,
                                                     const std::string& supervisor);

  pid_t process() const noexcept { return process_; }
  /// Empty when it is ready. Else it is gone, killed where it lived, and this is why. `stop`: a
  /// descriptor that is readable when it is wanted no more.
  std::string wait_until_ready(std::chrono::milliseconds patience, int stop);
  /// pidfd_open(2): readable when it has ended. Borrow: for this one's life.
  int life() const noexcept { return life_.get(); }
  /// Waits for its end. How it failed, in words; empty: it ended in order.
  std::string reap() const;

private:
  explicit Successor(Descriptor notices) : notices_(std::move(notices)) {}

  bool says_ready() const;
  bool has_ended() const;
  std::string end() const;
  std::string kill(std::string reason) const;

  Descriptor notices_; ///< its NOTIFY_SOCKET
  Descriptor life_;
  pid_t process_ = -1;
};

} // namespace ringfort::cli
