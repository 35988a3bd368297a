#include "cli/settings_file.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include "cli/descriptor.hpp"
#include "cli/nearest.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view route_key = "route";

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw CLI::FileError("--config " + file + ": " + why, CLI::ExitCodes::FileError);
}

/// "proxy.toml:7: unknown key listn".
[[noreturn]] void refuse(const std::string& file, const toml::source_region& at,
                         const std::string& why) {
  refuse(file + ':' + std::to_string(at.begin.line), why);
}

std::string text_of_file(const std::string& file) {
  constexpr std::size_t bytes_max = 1'048'576;
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) refuse(file, std::strerror(errno));
  std::string text(bytes_max + 1, '\0');
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const ssize_t read = ::read(opened.get(), text.data() + bytes, text.size() - bytes);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) refuse(file, std::strerror(errno));
    if (read == 0) break;
    bytes += static_cast<std::size_t>(read);
  }
  if (bytes > bytes_max) refuse(file, "is larger than 1 MiB");
  text.resize(bytes);
  return text;
}

/// What a flag would be given as text. Nothing: it is no such value.
std::optional<std::string> text_of(const toml::node& value) {
  if (const auto* const text = value.as_string()) return text->get();
  if (const auto* const number = value.as_integer()) return std::to_string(number->get());
  if (const auto* const truth = value.as_boolean()) return truth->get() ? "true" : "false";
  return {};
}

std::vector<std::string> keys_of(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (name.starts_with("--")) keys.push_back(name.substr(2));
  }
  return keys;
}

/// What a file, or a table of it, says for the flags of a command.
class Settings {
public:
  Settings(std::string file, CLI::App& app, bool is_of_route = false)
      : file_(std::move(file)), app_(app), is_of_route_(is_of_route) {}

  void take(std::string_view key, const toml::node& value) const {
    CLI::Option* const flag = app_.get_option_no_throw("--" + std::string(key));
    if (flag == nullptr || key == "config" || key == "help") refuse_key(key, value);
    std::vector<std::string> texts;
    if (const auto* const list = value.as_array()) {
      for (const toml::node& one : *list) texts.push_back(take_text(key, one));
    } else {
      texts.push_back(take_text(key, value));
    }
    const bool said = flag->count() > 0; // By the command line, which goes before.
    const bool not_set =
        flag->get_expected_max() == 0 && texts == std::vector<std::string>{"false"};
    if (said || not_set || texts.empty()) return;
    flag->add_result(std::move(texts));
    try {
      flag->run_callback(); // Now, while it is known where its value stands.
    } catch (const CLI::ParseError& error) {
      refuse(file_, value.source(), std::string(key) + ": " + error.what());
    }
  }

private:
  std::string take_text(std::string_view key, const toml::node& value) const {
    if (auto text = text_of(value)) return std::move(*text);
    refuse(file_, value.source(),
           std::string(key) +
               ": expected a text, a whole number, true or false, or a list of them");
  }

  [[noreturn]] void refuse_key(std::string_view key, const toml::node& value) const {
    if (!is_of_route_ && key == route_key) {
      refuse(file_, value.source(), "routes are for ringfort proxy");
    }
    std::string why = "unknown key " + std::string(key);
    if (const std::string near = nearest(std::string(key), keys_of(app_)); !near.empty()) {
      why.append(" (did you mean ").append(near).append("?)");
    } else if (is_of_route_) {
      why.append("; what is of the whole program stands before the first [[route]]");
    }
    refuse(file_, value.source(), why);
  }

  std::string file_;
  CLI::App& app_;
  bool is_of_route_;
};

RouteFlags route_of(const std::string& file, const toml::table& table) {
  RouteFlags route;
  CLI::App app;
  add_route_flags(app, route);
  const Settings settings(file, app, true);
  for (const auto& [key, value] : table) settings.take(key.str(), value);
  if (const std::string found = contradiction_of(route); !found.empty()) {
    refuse(file, table.source(), "route " + route.text() + ": " + found);
  }
  return route;
}

void take_routes(const std::string& file, const toml::node& value,
                 std::vector<RouteFlags>& routes) {
  const toml::array* const list = value.as_array();
  if (list == nullptr || !list->is_homogeneous<toml::table>()) {
    refuse(file, value.source(), "route: expected tables, each under [[route]]");
  }
  for (const toml::node& one : *list) routes.push_back(route_of(file, *one.as_table()));
}

void read(const std::string& file, CLI::App& app, std::vector<RouteFlags>* routes) {
  toml::table whole;
  try {
    whole = toml::parse(text_of_file(file), file);
  } catch (const toml::parse_error& error) {
    refuse(file, error.source(), std::string(error.description()));
  }
  const Settings settings(file, app);
  for (const auto& [key, value] : whole) {
    if (routes != nullptr && key.str() == route_key) {
      take_routes(file, value, *routes);
    } else {
      settings.take(key.str(), value);
    }
  }
}

} // namespace

void add_config_flag(CLI::App& app, std::vector<RouteFlags>* routes) {
  app.add_option_function<std::string>(
         "--config", [&app, routes](const std::string& file) { read(file, app, routes); },
         routes == nullptr ? "a file of these flags (TOML), without their dashes; what is said "
                             "here goes before"
                           : "a file of these flags (TOML), without their dashes, and of [[route]] "
                             "tables, which have servers of their own; what is said here goes "
                             "before")
      ->type_name("FILE");
}

} // namespace ringfort::cli
