#include "cli/serve.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <thread>

#include <sys/resource.h>

#include "cli/allocator.hpp"
#include "cli/error_log.hpp"
#include "cli/file_handler.hpp"
#include "cli/key_log_file.hpp"

namespace ringfort::cli {

namespace {

/// Drains the engine at SIGTERM or SIGINT, and cuts it at the second one. The signals are blocked
/// in every thread made after it, and waited for in one of its own: no handler runs.
class DrainOnSignal {
public:
  DrainOnSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  DrainOnSignal(const DrainOnSignal&) = delete;
  DrainOnSignal& operator=(const DrainOnSignal&) = delete;
  ~DrainOnSignal() {
    ended_ = true;
    if (thread_.joinable()) pthread_kill(thread_.native_handle(), SIGTERM);
  }

  void watch(Engine& engine, std::chrono::milliseconds grace) {
    thread_ = std::jthread([this, &engine, grace] {
      for (auto wait = grace;; wait = wait.zero()) {
        int signal = 0;
        sigwait(&signals_, &signal);
        if (ended_) return;
        std::cerr << "ringfort: draining, for " << wait.count() << " ms at most" << std::endl;
        engine.drain(wait);
      }
    });
  }

private:
  sigset_t signals_{};
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

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

/// A line of the context's policy, for instance "client certificates: none".
std::string policy_line(const tls::Context& context, std::string_view name) {
  const std::string policy = context.policy();
  const std::size_t begin = policy.find(name);
  return policy.substr(begin, policy.find('\n', begin) - begin);
}

/// One line: addresses, then the engine's facts and the context's.
void announce(const Engine& engine, const std::optional<tls::Context>& context,
              const std::string& urls) {
  std::string facts = engine.describe();
  if (context) {
    facts.append("\n").append(policy_line(*context, "ticket keys: "));
    facts.append("\n").append(policy_line(*context, "client certificates: "));
  }
  for (std::size_t at = 0; (at = facts.find('\n', at)) != std::string::npos;) {
    facts.replace(at, 1, "; ");
  }
  std::cout << "ringfort serves " << urls << "; " << facts << std::endl;
}

/// Empty after a complaint.
std::optional<tls::Context> make_context(const ServeFlags& flags, tls::KeyLog* key_log,
                                         ExitStatus& status) {
  auto identities = load(flags.identity, status);
  if (!identities) return {};
  tls::ContextOptions options = flags.tls;
  options.identities = std::move(*identities);
  options.key_log = key_log;
  if (!use(flags.sessions, options, status)) return {};
  auto context = tls::Context::create(std::move(options));
  if (!context) {
    status = complain(context.error(), subject_of(flags.sessions, context.error().code));
    return {};
  }
  warn(*context, flags.identity);
  return std::move(*context);
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

/// Listens on every endpoint of the flags and answers their URLs.
Result<std::string> listen(Engine& engine, const ServeFlags& flags,
                           const std::optional<tls::Context>& context,
                           const std::shared_ptr<const RootDirectory>& root, Endpoint& current) {
  std::string urls;
  for (const Endpoint& endpoint : flags.listen) {
    current = endpoint;
    const auto factory = [&flags, root](Shard& shard) {
      return root ? make_file_service(root) : make_service(flags.handler, shard.index());
    };
    const auto bound =
        context ? engine.serve(endpoint, *context, factory) : engine.serve_plain(endpoint, factory);
    if (!bound) return std::unexpected(bound.error());
    urls.append(urls.empty() ? "" : ", ").append(url_of(flags, *bound));
  }
  return urls;
}

} // namespace

ExitStatus serve(ServeFlags flags) {
  if (flags.listen.empty()) flags.listen.push_back({});
  std::unique_ptr<KeyLogFile> key_log; // Outlives the engine.
  std::optional<tls::Context> context;
  ExitStatus status = ExitStatus::ok;
  if (!flags.sessions.key_log.empty()) {
    key_log = KeyLogFile::open(flags.sessions.key_log, status);
    if (key_log == nullptr) return status;
  }
  if (!flags.plain) {
    context = make_context(flags, key_log.get(), status);
    if (!context) return status;
  }
  std::shared_ptr<const RootDirectory> root;
  if (!flags.root.empty()) {
    root = open_root(flags.root);
    if (root == nullptr) {
      std::cerr << "ringfort: --root " << flags.root << ": " << std::strerror(errno) << std::endl;
      return ExitStatus::config;
    }
  }
  raise_descriptor_limit();
  DrainOnSignal drain; // Before any other thread is made.
  ErrorLog log;
  auto engine = Engine::create(flags.engine);
  if (!engine) return complain(engine.error());
  if (flags.check) {
    std::cout << "ringfort: the settings are usable; " << url_of(flags, flags.listen.front())
              << " was not bound\n"
              << (context ? context->policy() : "") << std::flush;
    return ExitStatus::ok;
  }
  (*engine)->on_error([&log](const ErrorReport& report) { log.write(report); });
  Endpoint current;
  const auto urls = listen(**engine, flags, context, root, current);
  if (!urls) return complain(urls.error(), url_of(flags, current));
  drain.watch(**engine, flags.drain_grace);
  announce(**engine, context, *urls);
  const auto ran = (*engine)->run();
  log.finish();
  print_at_end(flags, **engine);
  return ran ? ExitStatus::ok : complain(ran.error());
}

} // namespace ringfort::cli
