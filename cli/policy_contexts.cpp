#include "cli/policy_contexts.hpp"

#include <utility>

#include <ringfort/certificate.hpp>

namespace ringfort::cli {

std::optional<tls::Context> make_context(const tls::ContextOptions& policy,
                                         std::vector<tls::Identity> identities,
                                         const std::string& about, Complaints& complaints) {
  tls::ContextOptions options = policy;
  options.identities = std::move(identities);
  auto context = tls::Context::create(std::move(options));
  if (context) return std::move(*context);
  complaints.add(context.error(), about);
  return {};
}

std::shared_ptr<const tls::ContextSource>
make_source(Policy policy, std::string folder, Spellings spellings, std::string pass_phrase) {
  return std::make_shared<const tls::ContextSource>(
      [policy = std::move(policy), folder = std::move(folder), spellings = std::move(spellings),
       phrase = std::move(pass_phrase)](std::string_view pattern) -> Result<tls::Context> {
        const NamedFiles files(folder, spellings, pattern);
        auto identity = tls::load_identity(files.chain, files.key);
        if (!identity) return std::unexpected(identity.error());
        identity->pass_phrase = phrase;
        tls::ContextOptions options = *policy;
        options.identities.push_back(std::move(*identity));
        return tls::Context::create(std::move(options));
      });
}

void warn_of(const tls::Context& context, const std::string& about, const std::string& pattern) {
  for (const Error& warning : context.warnings()) warn(about, explain(warning));
  if (pattern.empty()) return;
  for (const tls::Identity& identity : context.options().identities) {
    if (tls::covers(identity.chain_pem, pattern).value_or(true)) continue;
    warn(about, explain({.code = Code::tls_context_name_not_covered}) + ": " + pattern);
  }
}

} // namespace ringfort::cli
