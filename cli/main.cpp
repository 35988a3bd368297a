// The program ringfort: one subcommand per job.
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/check.hpp"
#include "cli/inspect.hpp"
#include "cli/nearest.hpp"
#include "cli/serve.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view version = RINGFORT_VERSION;

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  return names;
}

ExitStatus refuse(const std::string& message, const std::string& near) {
  std::cerr << "ringfort: " << message;
  if (!near.empty()) std::cerr << " (did you mean " << near << "?)";
  std::cerr << "\nringfort: --help lists what there is" << std::endl;
  return ExitStatus::usage;
}

ExitStatus refuse_rest(const CLI::App& app, const std::vector<std::string>& rest) {
  const std::string name = rest.front().substr(0, rest.front().find('='));
  const std::string message = name.starts_with('-') ? "unknown flag " : "unexpected argument ";
  return refuse(message + name, nearest(name, flag_names(app)));
}

/// Parses and runs. CLI11 speaks in exceptions; they end here.
ExitStatus run(int argument_count, const char* const* arguments) {
  CLI::App app("Ringfort: an io_uring HTTPS engine", "ringfort");
  app.set_version_flag("--version", std::string("ringfort ").append(version));
  ServeFlags serve_flags;
  CLI::App& serving = *app.add_subcommand("serve", "answer HTTPS (or, with --plain, HTTP)");
  add_serve_flags(serving, serve_flags);
  CheckFlags check_flags;
  CLI::App& checking = *app.add_subcommand(
      "check", "what this machine can do; with an identity: what clients say of it");
  add_identity_flags(checking, check_flags.identity);
  checking
      .add_option("--name", check_flags.names,
                  "the host that clients will ask for; again for another one")
      ->type_name("HOST")
      ->allow_extra_args(false);
  checking
      .add_option("--authorities", check_flags.authorities,
                  "whom clients trust (PEM), instead of the system's store")
      ->type_name("FILE");
  InspectFlags inspect_flags;
  CLI::App& inspecting =
      *app.add_subcommand("inspect", "ask a running program what it does, or tell it to reload");
  inspecting.add_option("--admin", inspect_flags.admin, "the program's --admin socket")
      ->type_name("PATH")
      ->required();
  inspecting.add_option("what", inspect_flags.what, "what to ask; help lists it")
      ->type_name("WORD")
      ->capture_default_str();
  inspecting.add_flag("--json", inspect_flags.json, "the answer as JSON");
  // What is left over is refused below, with the name that was probably meant.
  for (CLI::App* any : {&app, &serving, &checking, &inspecting}) any->allow_extras();
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return ExitStatus::ok;
  } catch (const CLI::ParseError& error) {
    return refuse(error.what(), {});
  }
  for (const CLI::App* used : {&serving, &checking, &inspecting}) {
    if (used->parsed() && used->remaining_size() > 0) return refuse_rest(*used, used->remaining());
  }
  if (app.remaining_size() > 0) {
    const std::vector<std::string> commands{"serve", "check", "inspect", "--help", "--version"};
    const std::string word = app.remaining().front();
    return refuse("unknown command " + word, nearest(word, commands));
  }
  if (checking.parsed()) {
    const std::string contradiction = contradiction_of(check_flags.identity);
    return contradiction.empty() ? check(check_flags) : refuse(contradiction, {});
  }
  if (inspecting.parsed()) return inspect(inspect_flags);
  if (!serving.parsed()) return refuse("a command is needed: serve, check or inspect", {});
  const std::string contradiction = contradiction_of(serve_flags);
  if (!contradiction.empty()) return refuse(contradiction, {});
  return serve(std::move(serve_flags));
}

} // namespace

} // namespace ringfort::cli

int main(int argument_count, char** arguments) {
  try {
    return static_cast<int>(ringfort::cli::run(argument_count, arguments));
  } catch (const std::exception& error) {
    std::cerr << "ringfort: " << error.what() << std::endl;
    return static_cast<int>(ringfort::cli::ExitStatus::os_error);
  }
}
