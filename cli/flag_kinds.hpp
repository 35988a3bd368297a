// flag_kinds — flags that hold a number, a size, a duration or one of several words: their ranges
// are said in the help, and kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/values.hpp"

namespace ringfort::cli {

[[noreturn]] inline void refuse(const std::string& name, const std::string& text,
                                const std::string& expected) {
  throw CLI::ValidationError(name, "'" + text + "' is not " + expected);
}

struct Range {
  std::uint64_t least;
  std::uint64_t most;
};

using Parse = std::optional<std::uint64_t> (*)(std::string_view) noexcept;

template <class Target>
CLI::Option* add_number(CLI::App& app, const std::string& name, Target& target, Range range,
                        Parse parse, const std::string& help) {
  const bool sized = parse == &parse_size;
  const auto show = [sized](std::uint64_t value) {
    return sized ? size_text(value) : std::to_string(value);
  };
  const std::string bounds = show(range.least) + ".." + show(range.most);
  const std::string kind = sized                   ? "a size from "
                           : parse == &parse_power ? "a power of two from "
                                                   : "a number from ";
  return app
      .add_option_function<std::string>(
          name,
          [&target, name, range, parse, bounds, kind](const std::string& text) {
            const auto value = parse(text);
            if (!value || *value < range.least || *value > range.most) {
              refuse(name, text, kind + bounds);
            }
            target = static_cast<Target>(*value);
          },
          help)
      ->type_name((sized ? "SIZE " : "N ") + bounds)
      ->default_str(show(target));
}

struct DurationRange {
  std::chrono::milliseconds least{1};
  std::chrono::milliseconds most = std::chrono::hours(24);
};

/// A target that counts in seconds takes whole ones only.
template <class Target>
CLI::Option* add_duration(CLI::App& app, const std::string& name, Target& target,
                          DurationRange range, const std::string& help) {
  const std::string bounds = duration_text(range.least) + ".." + duration_text(range.most);
  return app
      .add_option_function<std::string>(
          name,
          [&target, name, range, bounds](const std::string& text) {
            const auto value = parse_duration(text);
            if (value && *value >= range.least && *value <= range.most) {
              target = std::chrono::duration_cast<Target>(*value);
              if (target == *value) return;
            }
            refuse(name, text, "a duration from " + bounds + ", with its unit: ms, s, m or h");
          },
          help)
      ->type_name("DURATION " + bounds)
      ->default_str(duration_text(target));
}

template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& target,
                        std::map<std::string, Value> choices, const std::string& fallback,
                        const std::string& help) {
  std::string names;
  for (const auto& [choice, value] : choices) names.append(names.empty() ? "" : "|").append(choice);
  return app
      .add_option_function<std::string>(
          name,
          [&target, name, choices = std::move(choices), names](const std::string& text) {
            const auto found = choices.find(text);
            if (found == choices.end()) refuse(name, text, "one of " + names);
            target = found->second;
          },
          help)
      ->type_name(names)
      ->default_str(fallback);
}

} // namespace ringfort::cli
