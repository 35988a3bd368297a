#include "cli/inspect.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>

#include "cli/complaints.hpp"
#include "cli/unix_socket.hpp"

namespace ringfort::cli {

namespace {

ExitStatus complain_of(const InspectFlags& flags, const std::string& reason) {
  Complaints().add("--admin " + flags.admin, reason);
  return ExitStatus::unavailable;
}

} // namespace

ExitStatus inspect(const InspectFlags& flags) {
  const Descriptor program = connect_to(flags.admin);
  if (!program) {
    return complain_of(flags, std::string(std::strerror(errno)) + ": is the program running?");
  }
  std::string line = std::string("exit ") + (flags.json ? "json " : "") + flags.what;
  line.append(flags.of.empty() ? "" : " ").append(flags.of).append("\n");
  const std::string answer = write_all(program.get(), line) ? read_all(program.get()) : "";
  int status = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), status);
  const std::size_t text = answer.find('\n');
  if (error != std::errc{} || text == answer.npos || end != answer.data() + text) {
    return complain_of(flags, "the program did not answer, or is of another version");
  }
  const auto said = static_cast<ExitStatus>(status);
  (said == ExitStatus::usage ? std::cerr : std::cout) << answer.substr(text + 1) << std::flush;
  return said;
}

} // namespace ringfort::cli
