#include "cli/fetch.hpp"

#include <optional>
#include <utility>

#include "cli/fetch_calls.hpp"
#include "cli/fetch_proxies.hpp"
#include "cli/fetch_trust.hpp"

namespace ringfort::cli {

namespace {

EngineOptions engine_options(const FetchFlags& flags) {
  EngineOptions options;
  options.shards = 1;
  options.pin_threads = false;
  options.ring_entries = 256;
  options.receive_buffer_count = 256;
  options.block_count = 2'048; // Of 64 calls at a time, each with all its credit to send.
  options.name_servers = flags.name_servers;
  return options;
}

ClientOptions client_options(const FetchFlags& flags, std::optional<tls::ClientContext> trust,
                             std::optional<tls::ClientContext> proxy_trust) {
  ClientOptions options = flags.client;
  options.tls = std::move(trust);
  options.proxy_tls = std::move(proxy_trust);
  return options;
}

} // namespace

ExitStatus fetch(const FetchFlags& flags) {
  const auto url = parse_url(flags.url);
  if (!url) return complain(url.error(), flags.url);
  Complaints complaints;
  if (!environment_is_safe(complaints)) return complaints.status();
  std::optional<tls::ClientContext> trust;
  if (url->encrypted || flags.redirects_max > 0) trust = load_trust(flags, complaints);
  if (!complaints.none()) return complaints.status();
  const auto proxies = load_proxies(flags, complaints);
  if (!proxies) return complaints.status();
  std::optional<tls::ClientContext> proxy_trust;
  if (proxies->encrypted()) proxy_trust = load_proxy_trust(flags, complaints);
  if (!complaints.none()) return complaints.status();
  const auto body = FetchBody::open(flags.data, complaints);
  if (!body) return complaints.status();
  auto engine = Engine::create(engine_options(flags));
  if (!engine) return complain(engine.error());
  auto client = Client::create((*engine)->shard(0),
                               client_options(flags, std::move(trust), std::move(proxy_trust)));
  if (!client) return complain(client.error());
  FetchCalls calls(flags, *proxies, *body, **engine, std::move(*client));
  calls.start();
  const auto ran = (*engine)->run();
  return ran ? calls.status() : complain(ran.error());
}

} // namespace ringfort::cli
