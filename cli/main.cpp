// The program ringfort: one subcommand per job.
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/check.hpp"
#include "cli/fetch.hpp"
#include "cli/inspect.hpp"
#include "cli/nearest.hpp"
#include "cli/serve.hpp"
#include "cli/settings_file.hpp"

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

constexpr const char* exit_statuses =
    "Exit status:\n"
    "  0   done\n"
    "  64  the command line or a request is wrong, or inspect was asked for an unknown word\n"
    "  69  io_uring or the kernel's records are not to be had, or no program answers inspect\n"
    "  71  the system refused something else, for instance a port that is in use\n"
    "  77  binding the address is not permitted\n"
    "  78  a certificate, key, setting or file cannot be used; a client would refuse what check\n"
    "      looked at; a reload refused something; the environment wants nothing verified\n"
    "Of fetch, with curl's numbers, by the phase of the call that failed:\n"
    "  5   proxy: it opens no tunnel\n"
    "  6   resolve: the name has no address, or no name server said so\n"
    "  7   connect: nobody took the connection\n"
    "  35  tls: the handshake failed\n"
    "  60  tls: the server is not who it should be, or nobody who is believed says so\n"
    "  55  upload: the request could not be sent whole\n"
    "  52  wait: no answer came\n"
    "  56  response: the answer is malformed, late or cut\n"
    "  22  the status is 400 or more, and --fail calls that a failure\n"
    "  47  a redirection is not followed, though --follow wants it";

void add_check_flags(CLI::App& app, CheckFlags& flags) {
  add_identity_flags(app, flags.identity);
  app.add_option("--name", flags.names,
                 "the host that clients will ask for --cert; again for another one")
      ->type_name("HOST")
      ->allow_extra_args(false);
  app.add_option("--names", flags.folder,
                 "every pair of a folder, as serve --names takes it, each for its own name")
      ->type_name("DIR");
  app.add_option("--authorities", flags.authorities,
                 "whom clients trust (PEM), instead of the system's store")
      ->type_name("FILE");
}

void add_inspect_flags(CLI::App& app, InspectFlags& flags) {
  app.add_option("--admin", flags.admin, "the program's --admin socket")
      ->type_name("PATH")
      ->required();
  app.add_option("what", flags.what, "what to ask; help lists it")
      ->type_name("WORD")
      ->capture_default_str();
  app.add_option("of", flags.of, "of which one, where the word asks for one")->type_name("THING");
  app.add_flag("--json", flags.json, "the answer as JSON");
}

/// The subcommands, and what their flags say.
struct Commands {
  explicit Commands(CLI::App& app)
      : serving(*app.add_subcommand("serve", "answer HTTPS (or, with --plain, HTTP)")),
        proxying(*app.add_subcommand("proxy", "answer with what other servers answer")),
        fetching(*app.add_subcommand("fetch", "ask a server, and hand on what it answers")),
        checking(*app.add_subcommand(
            "check", "what this machine can do; with an identity: what clients say of it")),
        inspecting(*app.add_subcommand(
            "inspect", "ask a running program what it does, or tell it to reload or upgrade")) {
    add_config_flag(serving, nullptr);
    add_serve_flags(serving, serve_flags);
    add_config_flag(proxying, &proxy_flags.routes);
    add_proxy_flags(proxying, proxy_flags);
    add_fetch_flags(fetching, fetch_flags);
    add_check_flags(checking, check_flags);
    add_inspect_flags(inspecting, inspect_flags);
  }

  std::vector<CLI::App*> all() { return {&serving, &proxying, &fetching, &checking, &inspecting}; }

  ServeFlags serve_flags;
  ServeFlags proxy_flags;
  FetchFlags fetch_flags;
  CheckFlags check_flags;
  InspectFlags inspect_flags;
  CLI::App& serving;
  CLI::App& proxying;
  CLI::App& fetching;
  CLI::App& checking;
  CLI::App& inspecting;
};

ExitStatus run(Commands& commands) {
  std::string contradiction;
  if (commands.serving.parsed()) contradiction = contradiction_of(commands.serve_flags);
  if (commands.proxying.parsed()) contradiction = contradiction_of(commands.proxy_flags);
  if (commands.fetching.parsed()) contradiction = contradiction_of(commands.fetch_flags);
  if (commands.checking.parsed()) contradiction = contradiction_of(commands.check_flags.identity);
  if (!contradiction.empty()) return refuse(contradiction, {});
  if (commands.serving.parsed()) return serve(std::move(commands.serve_flags));
  if (commands.proxying.parsed()) return serve(std::move(commands.proxy_flags));
  if (commands.fetching.parsed()) return fetch(commands.fetch_flags);
  if (commands.checking.parsed()) return check(commands.check_flags);
  if (commands.inspecting.parsed()) return inspect(commands.inspect_flags);
  return refuse("a command is needed: serve, proxy, fetch, check or inspect", {});
}

/// Parses and runs. CLI11 speaks in exceptions; they end here.
ExitStatus run(int argument_count, const char* const* arguments) {
  CLI::App app("Ringfort: an io_uring HTTPS engine", "ringfort");
  app.footer(exit_statuses); // Of the subcommands too.
  app.set_version_flag("--version", std::string("ringfort ").append(version));
  Commands commands(app);
  // What is left over is refused below, with the name that was probably meant.
  app.allow_extras();
  for (CLI::App* any : commands.all()) any->allow_extras();
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return ExitStatus::ok;
  } catch (const CLI::FileError& error) {
    std::cerr << "ringfort: " << error.what() << std::endl;
    return ExitStatus::config;
  } catch (const CLI::ParseError& error) {
    return refuse(error.what(), {});
  }
  for (const CLI::App* used : commands.all()) {
    if (used->parsed() && used->remaining_size() > 0) return refuse_rest(*used, used->remaining());
  }
  if (app.remaining_size() > 0) {
    const std::vector<std::string> words{"serve",   "proxy",  "fetch",    "check",
                                         "inspect", "--help", "--version"};
    const std::string word = app.remaining().front();
    return refuse("unknown command " + word, nearest(word, words));
  }
  return run(commands);
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
