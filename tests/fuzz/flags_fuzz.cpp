// The command line of `ringfort serve`: each line is an argument. What the flags take is in the
// engine's ranges too, and what values say can be written and read again.
#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ringfort/check.hpp>

#include "cli/serve_flags.hpp"
#include "cli/values.hpp"
#include "net/options.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/target.hpp"

namespace ringfort::cli {
namespace {

void check_values(std::string_view text) {
  if (const auto size = parse_size(text)) RINGFORT_CHECK(parse_size(size_text(*size)) == size);
  if (const auto time = parse_duration(text)) {
    RINGFORT_CHECK(time->count() >= 0 && parse_duration(duration_text(*time)) == time);
  }
  if (const auto count = parse_count(text)) {
    RINGFORT_CHECK(text.find_first_not_of("0123456789") == text.npos);
    RINGFORT_CHECK(parse_size(text) == count && parse_count(std::to_string(*count)) == count);
  }
  if (const auto power = parse_power(text)) {
    RINGFORT_CHECK(*power != 0 && (*power & (*power - 1)) == 0);
  }
  if (const auto name = parse_passed(text)) {
    RINGFORT_CHECK(text.ends_with(*name) && text.starts_with("systemd"));
  }
  if (const auto endpoint = parse_endpoint(text)) {
    const std::string again = endpoint->host + ":" + std::to_string(endpoint->port);
    const auto read = parse_endpoint(again);
    RINGFORT_CHECK(read && read->host == endpoint->host && read->port == endpoint->port);
  }
}

/// Made once: a parse forgets the one before.
struct Program {
  Program() : app("ringfort serve") {
    add_serve_flags(app, flags);
    app.allow_extras();
  }

  ServeFlags flags;
  CLI::App app;
};

void check_command_line(std::vector<std::string> arguments) {
  static Program program;
  program.flags = ServeFlags{};
  std::reverse(arguments.begin(), arguments.end()); // As CLI11 wants them.
  try {
    program.app.parse(std::move(arguments));
  } catch (const CLI::Success&) {
    return; // --help.
  } catch (const CLI::ParseError&) {
    return; // Refused; any other exception ends the program.
  }
  ServeFlags& flags = program.flags;
  if (fuzz::planted() && flags.plain) flags.drain_grace = {};
  const auto checked = net::check(flags.engine);
  RINGFORT_CHECK(checked || checked.error().code == Code::config_memory_exceeded);
  for (const Endpoint& endpoint : flags.listen) RINGFORT_CHECK(!endpoint.host.empty());
  RINGFORT_CHECK(flags.tls.tickets <= 8 && flags.sessions.depth <= 16);
  RINGFORT_CHECK(flags.drain_grace.count() > 0 && flags.sessions.ticket_rotation.count() > 0);
  (void)contradiction_of(flags);
}

} // namespace
} // namespace ringfort::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace ringfort;
  if (bytes < 2 || bytes > 2'048) return 0;
  std::vector<std::string> arguments;
  for (const std::string_view line : fuzz::lines_of(fuzz::text_after_choice(data, bytes))) {
    cli::check_values(line);
    arguments.emplace_back(line);
  }
  cli::check_command_line(std::move(arguments));
  return 0;
}
