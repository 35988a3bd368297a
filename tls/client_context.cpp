#include "tls/client_context.hpp"

#include "tls/authorities.hpp"
#include "tls/identity.hpp"
#include "tls/policy.hpp"
#include "tls/shard_client_context.hpp"

namespace ringfort::tls {

namespace {

/// Opens the key.
Result<> prepare(Identity& identity) {
  const auto parsed = parse_identity(nullptr, identity);
  if (!parsed) return std::unexpected(parsed.error());
  forget_pass_phrase(identity, parsed->key.get());
  return {};
}

/// Whoever believes anybody needs no authorities.
Result<std::string> authorities_of_machine(const ClientContextOptions& options) {
  if (!options.authorities_pem.empty()) return std::string();
  auto found = system_authorities();
  if (!found && !options.verifies) return std::string();
  return found;
}

} // namespace

Result<ClientContext> ClientContext::create(ClientContextOptions options) {
  constexpr std::uint32_t sessions_max = 65'536;
  if (options.sessions_max > sessions_max) return fail(Code::config_invalid);
  if (options.version_min > options.version_max) return fail(Code::tls_context_version_range);
  const ErrorQueueGuard guard;
  if (options.identity) {
    if (auto opened = prepare(*options.identity); !opened) return std::unexpected(opened.error());
  }
  auto pins = parse_pins(options.pins);
  if (!pins) return std::unexpected(pins.error());
  auto machine_pem = authorities_of_machine(options);
  if (!machine_pem) return std::unexpected(machine_pem.error());
  auto description =
      std::make_shared<Description>(Description{.options = std::move(options),
                                                .machine_pem = std::move(*machine_pem),
                                                .pins = std::move(*pins),
                                                .policy = {}});
  // A trial build: what a shard will need later either works now or is refused now.
  const auto trial = make_ssl_context(nullptr, *description);
  if (!trial) return std::unexpected(trial.error());
  description->policy = text_of_policy(trial->get(), *description);
  return ClientContext(std::move(description));
}

const ClientContextOptions& ClientContext::options() const noexcept {
  return description_->options;
}
std::string ClientContext::policy() const { return description_->policy; }

} // namespace ringfort::tls
