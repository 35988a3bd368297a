#include "cli/inspect.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include "cli/admin.hpp"
#include "cli/unix_socket.hpp"

namespace ringfort::cli {

ExitStatus inspect(const InspectFlags& flags) {
  const auto address = unix_address(flags.admin);
  if (!address) return complain_of_admin(flags.admin, "a socket's path has 1 to 107 bytes");
  const Descriptor program = connect_to(*address);
  if (!program) {
    complain_of_admin(flags.admin, std::string(std::strerror(errno)) + ": is the program running?");
    return ExitStatus::unavailable;
  }
  const std::string line = (flags.json ? "json " : "") + flags.what + '\n';
  if (!write_all(program.get(), line)) return ExitStatus::os_error;
  const std::string answer = read_all(program.get());
  const bool unknown = answer.starts_with("unknown command");
  (unknown ? std::cerr : std::cout) << answer << std::flush;
  return unknown ? ExitStatus::usage : ExitStatus::ok;
}

} // namespace ringfort::cli
