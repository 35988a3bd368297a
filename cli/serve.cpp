#include "cli/serve.hpp"

#include <cerrno>
#include <iostream>

#include <sys/resource.h>

#include "cli/access_log.hpp"
#include "cli/allocator.hpp"
#include "cli/complaints.hpp"
#include "cli/error_log.hpp"
#include "cli/file_flags.hpp"
#include "cli/gateways.hpp"
#include "cli/key_log_file.hpp"
#include "cli/listening.hpp"
#include "cli/reloads.hpp"
#include "cli/served_names.hpp"
#include "cli/service_life.hpp"
#include "cli/unix_socket.hpp"

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

/// What is protected between whom: the hop from the clients, then those to servers behind.
std::string spans_of(const ServeFlags& flags, const ListenOptions& listening,
                     const Gateways& gateways) {
  std::string lines;
  if (flags.answers()) {
    lines.append("public client -> ringfort - ").append(flags.plain ? "HTTP\n" : "HTTPS\n");
  }
  lines.append(gateways.spans());
  return lines.append(passed_spans(listening.passthrough));
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

void print_at_end(const ServeFlags& flags, const Reloads& reloads) {
  if (flags.print_metrics) std::cout << reloads.metrics_text();
  if (flags.allocator_stats) std::cout << allocator_text() << '\n';
  std::cout.flush();
}

/// What answers, and who it says it is.
struct Serving {
  const ServedNames& served;
  const std::optional<tls::LiveNames>& names; ///< empty: clear text
  const std::optional<Files>& files;
  Gateways& gateways;
  ListenOptions hop; ///< what comes before TLS
};

/// Listens everywhere and answers the URLs. Empty after a complaint.
std::string listen(Engine& engine, const ServeFlags& flags, const Serving& serving,
                   const Listening& listening, Complaints& complaints) {
  const auto factory = [&flags, &serving](Shard& shard) {
    if (!serving.gateways.none()) return serving.gateways.service(shard).or_exit();
    return serving.files ? serving.files->service() : make_service(flags.handler, shard.index());
  };
  std::string urls;
  for (const Endpoint& endpoint : listening.endpoints) {
    const auto bound = serving.names ? engine.serve(endpoint, *serving.names, factory, serving.hop)
                                     : engine.serve_plain(endpoint, factory, serving.hop);
    if (!bound) {
      const bool passed = !endpoint.sockets.empty();
      complaints.add(bound.error(), passed ? "a socket that was passed" : url_of(flags, endpoint));
      return {};
    }
    urls.append(urls.empty() ? "" : ", ").append(url_of(flags, *bound));
  }
  return urls;
}

/// From bound ports to the end of the last connection.
ExitStatus run(Engine& engine, const ServeFlags& flags, const Serving& serving, Reloads& reloads,
               Logs& logs, ServiceLife& life) {
  Complaints complaints;
  std::string urls;
  {
    const auto listening = places_to_listen(flags, life.inherited(), complaints);
    if (listening) urls = listen(engine, flags, serving, *listening, complaints);
  } // The engine has duplicates: a port is free when those are closed.
  if (urls.empty()) return complaints.status();
  if (auto ready = life.prepare(engine, flags, reloads.admin()); !ready) {
    return complain(ready.error());
  }
  const std::string spans = spans_of(flags, serving.hop, serving.gateways);
  if (!reloads.start(flags, urls, spans, life.predecessors_admin(), complaints)) {
    return complaints.status();
  }
  const bool started = life.start(engine, flags, urls, [&] {
    logs.reopen();
    if (!flags.plain) (void)reloads.reload(Reloads::Wish::asked);
  });
  if (!started) return complain({.code = Code::listen_failed, .detail = errno});
  announce(engine, serving.served, urls);
  if (flags.is_proxy) std::cout << spans << std::flush;
  const auto ran = engine.run();
  life.stop();
  reloads.admin().finish();
  return ran ? ExitStatus::ok : complain(ran.error());
}

/// Where it would have listened.
std::string places_text(const ServeFlags& flags) {
  if (!flags.listen.empty()) return url_of(flags, flags.listen.front());
  return flags.listen_passed.empty() ? url_of(flags, {}) : "--listen systemd";
}

/// What would go wrong from here on, as far as that can be told without the addresses.
ExitStatus check_settings(Engine& engine, const ServeFlags& flags, const ServedNames& served,
                          const std::optional<tls::LiveNames>& names) {
  const std::string objection = flags.admin.empty() ? "" : objection_to(flags.admin);
  if (!objection.empty()) {
    Complaints complaints;
    complaints.add("--admin " + flags.admin, objection);
    return complaints.status();
  }
  const RecordLayer wanted = flags.engine.record_layer;
  if (names && (wanted == RecordLayer::kernel || wanted == RecordLayer::kernel_send)) {
    // On a port of the kernel's choice: listening is what tries the kernel's records.
    const auto factory = [](Shard& shard) { return make_service(Handler::hello, shard.index()); };
    const auto tried = engine.serve({.host = "127.0.0.1", .port = 0}, *names, factory);
    if (!tried) return complain(tried.error());
  }
  std::cout << "ringfort: the settings are usable; " << places_text(flags) << " was not bound\n"
            << served.policy() << (served.policy().ends_with('\n') ? "" : "\n") << engine.describe()
            << std::endl;
  return ExitStatus::ok;
}

} // namespace

ExitStatus serve(ServeFlags flags) {
  ServiceLife life; // Outlives the engine.
  Complaints complaints;
  std::unique_ptr<KeyLogFile> key_log; // Outlives the engine.
  if (!flags.sessions.key_log.empty()) {
    key_log = KeyLogFile::open(flags.sessions.key_log, complaints);
    if (key_log == nullptr) return complaints.status();
  }
  flags.tls.key_log = key_log.get();
  flags.tls.ticket_keys = life.predecessors_keys();
  if (!flags.plain && !use(flags.sessions, flags.tls, complaints)) return complaints.status();
  ServedNames served({flags.identity, flags.sessions, flags.names}, flags.tls);
  std::optional<tls::LiveNames> names;
  if (!flags.plain) {
    names = served.load(complaints);
    if (!names) return complaints.status();
  }
  ExitStatus status = ExitStatus::ok;
  std::optional<Files> files; // Outlives the engine.
  if (!open_files(flags.files, files, status)) return status;
  auto gateways = Gateways::open(flags.routes, flags.upstreams, complaints); // Likewise.
  if (!gateways) return complaints.status();
  const auto proxies = TrustedProxies::parse(flags.upstreams.trusted_proxies); // Likewise.
  if (!proxies) {
    complaints.add({.code = proxies.error().code}, "--trusted-proxy");
    return complaints.status();
  }
  raise_descriptor_limit();
  auto engine = Engine::create(flags.engine);
  if (!engine) return complain(engine.error());
  if (flags.check) return check_settings(**engine, flags, served, names);
  Logs logs;
  if (!open_logs(flags.logs, logs, complaints)) return complaints.status();
  ErrorLog errors(*logs.errors);
  (*engine)->on_error([&errors](const ErrorReport& report) { errors.write(report); });
  if (logs.accesses != nullptr) (*engine)->observe(access_log(*logs.accesses, *proxies));
  Reloads reloads(**engine, logs, *gateways, flags.plain ? nullptr : &served, key_log.get());
  const Serving serving{served, names, files, *gateways,
                        listen_options_of(flags.hops, flags.upstreams)};
  status = run(**engine, flags, serving, reloads, logs, life);
  errors.finish();
  logs.finish();
  if (status == ExitStatus::ok) print_at_end(flags, reloads);
  engine->reset(); // Before what it writes to goes.
  return status;
}

} // namespace ringfort::cli
