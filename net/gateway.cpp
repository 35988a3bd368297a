// A gateway's settings, and what it says of itself.
#include <ringfort/gateway.hpp>

#include <algorithm>
#include <utility>

#include "http/letters.hpp"
#include "net/bound.hpp"
#include "net/gateway_service.hpp"
#include "net/upstreams.hpp"

namespace ringfort {

namespace net {

namespace {

bool is_valid(const HealthCheck& check) noexcept {
  constexpr std::uint32_t count_max = 1'000;
  const auto in_range = [](std::uint32_t count) { return count >= 1 && count <= count_max; };
  return check.interval.count() > 0 && in_range(check.failures_max) &&
         in_range(check.successes_min) &&
         (check.target.empty() ||
          (check.target.starts_with('/') && http::all_are(check.target, http::visible_letter)));
}

} // namespace

} // namespace net

Gateway::Gateway(std::unique_ptr<net::GatewayPlan> plan) noexcept : plan_(std::move(plan)) {}
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;
Gateway::~Gateway() = default;

Result<Gateway> Gateway::create(GatewayOptions options) {
  enum Position : std::int32_t {
    upstreams = 1,
    client,
    trusted = 5,
    header,
    name,
    upgrades,
    failures,
    ejection,
    health,
    slow_start
  };
  const std::size_t count = options.upstreams.size();
  if (count == 0 || count > net::Upstreams::count_max) return fail(Code::config_invalid, upstreams);
  const bool encrypts = std::ranges::any_of(options.upstreams, &Destination::encrypted);
  if (encrypts && !options.client.tls) return fail(Code::config_invalid, client);
  auto proxies = TrustedProxies::parse(options.trusted_proxies);
  if (!proxies) return fail(Code::config_invalid, trusted);
  if (options.name.empty() || !http::all_are(options.name, http::token_letter)) {
    return fail(Code::config_invalid, name);
  }
  const auto is_protocol = [](const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char letter) {
      return letter == '/' || http::is(letter, http::token_letter);
    });
  };
  if (!std::ranges::all_of(options.upgrades, is_protocol)) {
    return fail(Code::config_invalid, upgrades);
  }
  if (options.failures_max > 1'000) return fail(Code::config_invalid, failures);
  if (!net::timeout_or_off(options.ejection_time).holds()) {
    return fail(Code::config_invalid, ejection);
  }
  if (!net::is_valid(options.health)) return fail(Code::config_invalid, health);
  if (!net::timeout_or_off(options.slow_start).holds())
    return fail(Code::config_invalid, slow_start);
  return Gateway(std::make_unique<net::GatewayPlan>(std::move(options), std::move(*proxies)));
}

Result<std::unique_ptr<Service>> Gateway::service(Shard& shard) const {
  return net::make_gateway_service(*plan_, static_cast<net::ServingShard&>(shard));
}

std::vector<UpstreamReport> Gateway::upstreams() const {
  std::vector<UpstreamReport> reports;
  for (const Destination& to : plan_->options.upstreams) {
    reports.push_back({.server = net::server_text(to)});
  }
  plan_->board->add_to(reports);
  return reports;
}

Result<> Gateway::drain(std::size_t place, bool drained) {
  if (place >= plan_->options.upstreams.size()) return fail(Code::config_invalid);
  plan_->board->set_drained(place, drained);
  return {};
}

std::string Gateway::spans() const {
  const GatewayOptions& options = plan_->options;
  std::string lines;
  for (const Destination& to : options.upstreams) {
    lines.append(options.name).append(" -> ").append(net::server_text(to));
    if (!to.encrypted) {
      lines.append(" - HTTP\n");
      continue;
    }
    const tls::ClientContextOptions& trust = options.client.tls->options();
    lines.append(trust.verifies ? " - HTTPS, verified as " : " - HTTPS, not verified, asked for ");
    lines.append(to.server_name.value_or(to.host));
    lines.append(trust.identity ? ", with a client certificate\n" : "\n");
  }
  return lines;
}

} // namespace ringfort
