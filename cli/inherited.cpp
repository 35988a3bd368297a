#include "cli/inherited.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "cli/environment.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

constexpr std::uint64_t descriptors_max = 4'096;

} // namespace

std::vector<std::string> inherited_names(std::string_view listen_pid, std::string_view listen_fds,
                                         std::string_view listen_names, int process) {
  const auto count = parse_count(listen_fds);
  const bool ours = parse_count(listen_pid) == static_cast<std::uint64_t>(process);
  if (!ours || !count || *count > descriptors_max) return {};
  std::vector<std::string> names;
  for (std::uint64_t number = 0; number < *count; ++number) {
    const std::size_t end = std::min(listen_names.find(':'), listen_names.size());
    // What sd_listen_fds_with_names(3) calls one without a name.
    names.emplace_back(end == 0 ? "unknown" : listen_names.substr(0, end));
    listen_names.remove_prefix(std::min(end + 1, listen_names.size()));
  }
  return names;
}

Inherited Inherited::from_environment() {
  Inherited inherited;
  const auto names = inherited_names(variable("LISTEN_PID"), variable("LISTEN_FDS"),
                                     variable("LISTEN_FDNAMES"), ::getpid());
  int number = first_inherited_descriptor;
  for (const std::string& name : names) {
    // One that is not there is left out: a listener complains of what it misses.
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) == 0) {
      inherited.passed_.push_back({name, Descriptor(number)});
    }
    ++number;
  }
  for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return inherited;
}

Descriptor Inherited::take(std::string_view name) {
  const auto found = std::ranges::find(passed_, name, &Passed::name);
  if (found == passed_.end()) return {};
  Descriptor taken = std::move(found->descriptor);
  passed_.erase(found);
  return taken;
}

std::optional<Inherited::Passed> Inherited::take_any() {
  if (passed_.empty()) return {};
  Passed taken = std::move(passed_.front());
  passed_.erase(passed_.begin());
  return taken;
}

std::string Inherited::names() const {
  std::string names;
  for (const Passed& passed : passed_) {
    names.append(names.empty() ? "" : " ").append(passed.name);
  }
  return names;
}

} // namespace ringfort::cli
