// inherited — descriptors that this process was started with: by a supervisor, for sockets
// that it has bound (sd_listen_fds(3)), or by a predecessor that hands over to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

inline constexpr int first_inherited_descriptor = 3; ///< SD_LISTEN_FDS_START

/// What LISTEN_FDNAMES calls what a predecessor hands over.
inline constexpr std::string_view inherited_socket_prefix = "ringfort-listen-"; ///< and a number
inline constexpr std::string_view inherited_ticket_keys = "ringfort-ticket-keys";
inline constexpr std::string_view inherited_admin = "ringfort-admin";

/// The names of the descriptors from 3 on, as the three variables tell them; none when they are
/// not for `process`, or say nothing that can be understood.
std::vector<std::string> inherited_names(std::string_view listen_pid, std::string_view listen_fds,
                                         std::string_view listen_names, int process);

class Inherited {
public:
  struct Passed {
    std::string name;
    Descriptor descriptor;
  };

  Inherited() = default;
  explicit Inherited(std::vector<Passed> passed) : passed_(std::move(passed)) {}
  /// Takes what is there, and out of the environment what tells of it. Before descriptors are
  /// opened, and once.
  static Inherited from_environment();

  bool none() const noexcept { return passed_.empty(); }
  /// The first one of that name; none when there is none left.
  Descriptor take(std::string_view name);
  /// The first one of any name.
  std::optional<Passed> take_any();
  /// The names of what nobody has taken, separated by spaces.
  std::string names() const;

private:
  std::vector<Passed> passed_;
};

} // namespace ringfort::cli
