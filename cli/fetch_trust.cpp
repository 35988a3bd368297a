#include "cli/fetch_trust.hpp"

#include <cstdlib>
#include <string_view>

namespace ringfort::cli {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

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

} // namespace

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
  if (context) return std::move(*context);
  complaints.add(context.error(), subject_of(flags, context.error().code));
  return {};
}

} // namespace ringfort::cli
