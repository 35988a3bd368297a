#include "cli/serve.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <sys/resource.h>

#include "cli/admin.hpp"
#include "cli/allocator.hpp"
#include "cli/error_log.hpp"
#include "cli/file_flags.hpp"
#include "cli/file_watch.hpp"
#include "cli/inspection.hpp"
#include "cli/key_log_file.hpp"
#include "cli/served_names.hpp"
#include "cli/signals.hpp"

namespace ringfort::cli {

namespace {

/// A server holds a descriptor for each connection: the soft limit is for programs that select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string url_of(const ServeFlags& flags, const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos && !endpoint.host.starts_with('[');
  std::string url = flags.plain ? "http://" : "https://";
  url.append(v6 ? "[" : "").append(endpoint.host).append(v6 ? "]:" : ":");
  return url.append(std::to_string(endpoint.port));
}

/// A line of a policy, for instance "client certificates: none".
std::string policy_line(const std::string& policy, std::string_view name) {
  const std::size_t begin = policy.find(name);
  return policy.substr(begin, policy.find('\n', begin) - begin);
}

/// One line: addresses, then the engine's facts and what all contexts share.
void announce(const Engine& engine, const ServedNames& served, const std::string& urls) {
  std::string facts = engine.describe();
  if (const std::string& policy = served.policy(); !policy.empty()) {
    facts.append("\n").append(policy_line(policy, "ticket keys: "));
    facts.append("\n").append(policy_line(policy, "client certificates: "));
  }
  for (std::size_t at = 0; (at = facts.find('\n', at)) != std::string::npos;) {
    facts.replace(at, 1, "; ");
  }
  std::cout << "ringfort serves " << urls << "; " << facts << std::endl;
}

void print_at_end(const ServeFlags& flags, const Engine& engine) {
  if (flags.print_metrics) {
    std::string text;
    engine.metrics().write_text(text);
    std::cout << text;
  }
  if (flags.allocator_stats) std::cout << allocator_text() << '\n';
  std::cout.flush();
}

/// What reads the program's files again, and who may ask for that, while it serves.
class Reloads {
public:
  Reloads(ServedNames& served, Engine& engine) : served_(served), engine_(engine) {}

  /// False after a complaint.
  bool start(const ServeFlags& flags, const std::string& urls, ExitStatus& status) {
    if (!flags.plain && flags.watch && !watch_.start(served_.folders(), [this] { reload(); })) {
      std::cerr << "ringfort: --watch: " << std::strerror(errno) << std::endl;
      status = ExitStatus::os_error;
      return false;
    }
    if (flags.admin.empty()) return true;
    add_inspection(admin_, engine_, urls, flags.plain ? nullptr : &served_);
    if (!flags.plain) {
      const auto reload = [this] { return Admin::Answer(this->reload() + '\n'); };
      admin_.add("reload", "reads certificates and keys again", reload, Admin::Effect::changes);
    }
    return admin_.start(flags.admin, status);
  }

  std::string reload() {
    std::string outcome = served_.reload();
    std::cerr << "ringfort: " << outcome << std::endl;
    return outcome;
  }

private:
  ServedNames& served_;
  Engine& engine_;
  FileWatch watch_;
  Admin admin_;
};

/// Listens on every endpoint of the flags and answers their URLs.
Result<std::string> listen(Engine& engine, const ServeFlags& flags,
                           const std::optional<tls::LiveNames>& names,
                           const std::optional<Files>& files, Endpoint& current) {
  std::string urls;
  for (const Endpoint& endpoint : flags.listen) {
    current = endpoint;
    const auto factory = [&flags, &files](Shard& shard) {
      return files ? files->service() : make_service(flags.handler, shard.index());
    };
    const auto bound =
        names ? engine.serve(endpoint, *names, factory) : engine.serve_plain(endpoint, factory);
    if (!bound) return std::unexpected(bound.error());
    urls.append(urls.empty() ? "" : ", ").append(url_of(flags, *bound));
  }
  return urls;
}

/// From bound ports to the end of the last connection.
ExitStatus run(Engine& engine, const ServeFlags& flags, ServedNames& served,
               const std::optional<tls::LiveNames>& names, const std::optional<Files>& files,
               Signals& signals) {
  Endpoint current;
  const auto urls = listen(engine, flags, names, files, current);
  if (!urls) return complain(urls.error(), url_of(flags, current));
  Reloads reloads(served, engine);
  ExitStatus status = ExitStatus::ok;
  if (!reloads.start(flags, *urls, status)) return status;
  signals.watch(engine, flags.drain_grace, [&] {
    if (!flags.plain) reloads.reload();
  });
  announce(engine, served, *urls);
  const auto ran = engine.run();
  signals.stop();
  return ran ? ExitStatus::ok : complain(ran.error());
}

} // namespace

ExitStatus serve(ServeFlags flags) {
  if (flags.listen.empty()) flags.listen.push_back({});
  ExitStatus status = ExitStatus::ok;
  std::unique_ptr<KeyLogFile> key_log; // Outlives the engine.
  if (!flags.sessions.key_log.empty()) {
    key_log = KeyLogFile::open(flags.sessions.key_log, status);
    if (key_log == nullptr) return status;
  }
  flags.tls.key_log = key_log.get();
  if (!flags.plain && !use(flags.sessions, flags.tls, status)) return status;
  ServedNames served({flags.identity, flags.sessions, flags.names}, flags.tls);
  std::optional<tls::LiveNames> names;
  if (!flags.plain) {
    names = served.load(status);
    if (!names) return status;
  }
  std::optional<Files> files; // Outlives the engine.
  if (!open_files(flags.files, files, status)) return status;
  raise_descriptor_limit();
  Signals signals; // Before any other thread is made.
  ErrorLog log;
  auto engine = Engine::create(flags.engine);
  if (!engine) return complain(engine.error());
  if (flags.check) {
    std::cout << "ringfort: the settings are usable; " << url_of(flags, flags.listen.front())
              << " was not bound\n"
              << served.policy() << std::flush;
    return ExitStatus::ok;
  }
  (*engine)->on_error([&log](const ErrorReport& report) { log.write(report); });
  status = run(**engine, flags, served, names, files, signals);
  log.finish();
  if (status == ExitStatus::ok) print_at_end(flags, **engine);
  return status;
}

} // namespace ringfort::cli
