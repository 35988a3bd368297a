#include "cli/fetch_trust.hpp"

#include <string_view>

#include "cli/environment.hpp"

namespace ringfort::cli {

namespace {

/// What a file of authorities holds is added: several are believed together.
bool add_authorities(std::string& pem, const std::string& path, Complaints& complaints) {
  std::string more;
  if (!read_into(more, path, Code::tls_context_junk_authority, complaints)) return false;
  pem.append(more).append(more.empty() ? "" : "\n");
  return true;
}

bool read_files(const FetchFlags& flags, tls::ClientContextOptions& options,
                Complaints& complaints) {
  const std::string extra = flags.authorities.empty() ? variable("RINGFORT_EXTRA_CA_FILE") : "";
  return add_authorities(options.authorities_pem, flags.authorities, complaints) &&
         add_authorities(options.extra_authorities_pem, flags.extra_authorities, complaints) &&
         add_authorities(options.extra_authorities_pem, extra, complaints) &&
         read_into(options.revocation_lists_pem, flags.revocations,
                   Code::tls_context_junk_revocation_list, complaints);
}

/// The file or flag that a refusal of the context is about.
std::string subject_of(const FetchFlags& flags, Code code) {
  switch (code) {
  case Code::tls_context_bad_pin: return "--pin";
  case Code::tls_context_junk_revocation_list: return flags.revocations;
  case Code::tls_context_junk_authority:
    for (const std::string* file : {&flags.authorities, &flags.extra_authorities}) {
      if (!file->empty()) return *file;
    }
    return "RINGFORT_EXTRA_CA_FILE";
  default: return {};
  }
}

std::optional<tls::ClientContext> made(Result<tls::ClientContext> context,
                                       const std::string& subject, Complaints& complaints) {
  if (context) return std::move(*context);
  complaints.add(context.error(), subject);
  return {};
}

} // namespace

std::optional<tls::ClientContext> load_proxy_trust(const FetchFlags& flags,
                                                   Complaints& complaints) {
  if (flags.proxy_authorities.empty()) return made(tls::ClientContext::create(), "", complaints);
  tls::ClientContextOptions options;
  if (!add_authorities(options.authorities_pem, flags.proxy_authorities, complaints)) return {};
  return made(tls::ClientContext::create(std::move(options)), flags.proxy_authorities, complaints);
}

bool environment_is_safe(Complaints& complaints) {
  if (variable("NODE_TLS_REJECT_UNAUTHORIZED") != "0") return true;
  complaints.add("NODE_TLS_REJECT_UNAUTHORIZED=0",
                 "this environment wants no server to be verified, and no variable turns that off "
                 "here: unset it, or say --insecure where it is meant");
  return false;
}

std::optional<tls::ClientContext> load_trust(const FetchFlags& flags, Complaints& complaints) {
  tls::ClientContextOptions options = flags.tls;
  if (!read_files(flags, options, complaints)) return {};
  auto identities = load(flags.identity, complaints);
  if (!identities) return {};
  if (!identities->empty()) options.identity = std::move(identities->front());
  options.verifies = !flags.insecure;
  if (flags.insecure) {
    warn("--insecure", "nobody looks at who answers: whoever stands between reads and changes it");
  }
  auto context = tls::ClientContext::create(std::move(options));
  const std::string subject = context ? "" : subject_of(flags, context.error().code);
  return made(std::move(context), subject, complaints);
}

} // namespace ringfort::cli
