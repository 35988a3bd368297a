#include "tls/context.hpp"

#include <algorithm>
#include <ctime>

#include "tls/file.hpp"
#include "tls/identity.hpp"
#include "tls/policy.hpp"
#include "tls/shard_context.hpp"

namespace ringfort::tls {

Result<Identity> load_identity(const std::filesystem::path& chain,
                               const std::filesystem::path& key) {
  auto chain_pem = read_file(chain);
  if (!chain_pem) return std::unexpected(chain_pem.error());
  auto key_pem = read_file(key);
  if (!key_pem) return std::unexpected(key_pem.error());
  return Identity{.chain_pem = std::move(*chain_pem), .key_pem = std::move(*key_pem)};
}

Result<Identity> load_pkcs12(const std::filesystem::path& file, const std::string& pass_phrase) {
  const auto container = read_file(file);
  if (!container) return std::unexpected(container.error());
  return identity_of_pkcs12(bytes_of(*container), pass_phrase);
}

namespace {

/// Opens the keys, and looks at each identity for what will keep clients away.
Result<> prepare(Context::Description& description, PassPhraseSource& ask) {
  const std::time_t now = std::time(nullptr);
  std::vector<int> key_types;
  auto& identities = description.options.identities;
  for (std::size_t index = 0; index < identities.size(); ++index) {
    Identity& identity = identities[index];
    auto parsed = parse_identity(nullptr, identity);
    if (!parsed && parsed.error().code == Code::tls_context_no_pass_phrase && ask) {
      identity.pass_phrase = ask(index);
      parsed = parse_identity(nullptr, identity);
    }
    if (!parsed) return std::unexpected(parsed.error());
    forget_pass_phrase(identity, parsed->key.get());
    const int type = EVP_PKEY_get_base_id(parsed->key.get());
    if (std::find(key_types.begin(), key_types.end(), type) != key_types.end()) {
      return fail(Code::tls_context_same_key_type);
    }
    key_types.push_back(type);
    description.expires_unix_s = std::min(description.expires_unix_s, expiry_of(*parsed));
    const auto found = warnings_of(*parsed, now);
    description.warnings.insert(description.warnings.end(), found.begin(), found.end());
  }
  return {};
}

bool in_range(const ContextOptions& options) noexcept {
  constexpr std::uint8_t tickets_max = 8;
  constexpr std::chrono::seconds lifetime_max = std::chrono::days(7);
  return !options.identities.empty() && options.tickets <= tickets_max &&
         options.ticket_lifetime >= std::chrono::seconds(1) &&
         options.ticket_lifetime <= lifetime_max;
}

Result<> make_ticket_keys(ContextOptions& options) {
  if (options.ticket_keys) return {};
  auto generated = TicketKeys::generated();
  if (!generated) return std::unexpected(generated.error());
  options.ticket_keys = std::move(*generated);
  return {};
}

} // namespace

Result<Context> Context::create(ContextOptions options, PassPhraseSource ask) {
  if (!in_range(options)) return fail(Code::config_invalid);
  if (options.version_min > options.version_max) return fail(Code::tls_context_version_range);
  const ErrorQueueGuard guard;
  auto description = std::make_shared<Description>();
  description->options = std::move(options);
  if (auto made = prepare(*description, ask); !made) return std::unexpected(made.error());
  if (auto made = make_ticket_keys(description->options); !made)
    return std::unexpected(made.error());
  Context context(description);
  // A trial build: what a shard will need later either works now or is refused now.
  const auto trial = make_ssl_context(nullptr, context);
  if (!trial) return std::unexpected(trial.error());
  description->policy = text_of_policy(trial->get(), description->options);
  return context;
}

const ContextOptions& Context::options() const noexcept { return description_->options; }
std::span<const Error> Context::warnings() const noexcept { return description_->warnings; }
std::int64_t Context::expires_unix_s() const noexcept { return description_->expires_unix_s; }
std::string Context::policy() const { return description_->policy; }

} // namespace ringfort::tls
