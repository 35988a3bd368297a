#include "tls/policy.hpp"

#include <algorithm>

#include "tls/openssl.hpp"
#include "tls/suites.hpp"

namespace ringfort::tls {

namespace {

/// Takes the first name off a colon-separated list.
std::string_view take_name(std::string_view& list) noexcept {
  const std::string_view name = list.substr(0, list.find(':'));
  list.remove_prefix(std::min(name.size() + 1, list.size()));
  return name;
}

/// What the options of both sides have.
struct Policy {
  Version version_min;
  Version version_max;
  const std::string& suites;
  const std::string& groups;
  const std::string& signatures;

  template <class Options>
  explicit Policy(const Options& options) noexcept
      : version_min(options.version_min), version_max(options.version_max), suites(options.suites),
        groups(options.groups), signatures(options.signatures) {}
};

/// Sorts the names into OpenSSL's two lists; only suites whose records we know are let in.
Result<> use_suites(SSL_CTX* context, const Policy& policy) {
  std::string_view rest = policy.suites.empty() ? default_suites() : policy.suites;
  std::string old_list;
  std::string new_list;
  while (!rest.empty()) {
    const std::string_view name = take_name(rest);
    const Suite* suite = suite_named(name);
    if (suite == nullptr) return fail(Code::tls_context_no_usable_suite);
    if (suite->version < policy.version_min || suite->version > policy.version_max) continue;
    std::string& list = suite->version == Version::tls_1_3 ? new_list : old_list;
    if (!list.empty()) list += ':';
    list += name;
  }
  if (old_list.empty() && new_list.empty()) return fail(Code::tls_context_no_usable_suite);
  // A version without a suite is not offered at all.
  const bool new_only = old_list.empty();
  const bool old_only = new_list.empty();
  if (!new_only && SSL_CTX_set_cipher_list(context, old_list.c_str()) != 1) {
    return fail(Code::tls_context_no_usable_suite);
  }
  if (SSL_CTX_set_ciphersuites(context, new_list.c_str()) != 1) {
    return fail(Code::tls_context_no_usable_suite);
  }
  SSL_CTX_set_min_proto_version(context, new_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, old_only ? TLS1_2_VERSION : TLS1_3_VERSION);
  return {};
}

/// Curves over binary fields, which have cofactors (see ecdh). OpenSSL has two names for each.
bool has_binary_curve(std::string_view groups) noexcept {
  while (!groups.empty()) {
    const std::string_view name = take_name(groups);
    if (name.starts_with("sect") || name.starts_with("K-") || name.starts_with("B-")) return true;
  }
  return false;
}

/// What is offered and selected by ALPN (RFC 7301 section 3.1).
constexpr unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* in, unsigned in_bytes, void*) noexcept {
  unsigned char* selected = nullptr;
  const int status =
      SSL_select_next_proto(&selected, out_bytes, protocols, sizeof protocols, in, in_bytes);
  *out = selected;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<> use(SSL_CTX* context, const Policy& policy) {
  // What the identity holds is sent, and nothing is looked for besides.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (auto used = use_suites(context, policy); !used) return used;
  if (has_binary_curve(policy.groups) ||
      SSL_CTX_set1_groups_list(context, policy.groups.c_str()) != 1) {
    return fail(Code::tls_context_unknown_group);
  }
  if (SSL_CTX_set1_sigalgs_list(context, policy.signatures.c_str()) != 1) {
    return fail(Code::tls_context_unknown_signature);
  }
  SSL_CTX_set_max_early_data(context, 0);
  return {};
}

} // namespace

Result<> use_policy(ssl_ctx_st* context, const ContextOptions& options) {
  if (auto used = use(context, Policy(options)); !used) return used;
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, options.tickets);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  return {};
}

Result<> use_policy(ssl_ctx_st* context, const ClientContextOptions& options) {
  if (auto used = use(context, Policy(options)); !used) return used;
  if (options.sessions_max == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  // OpenSSL tells of each session, and keeps none itself.
  SSL_CTX_set_session_cache_mode(context, options.sessions_max == 0
                                              ? SSL_SESS_CACHE_OFF
                                              : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols) != 0) {
    return fail(Code::tls_context_no_memory);
  }
  return {};
}

} // namespace ringfort::tls
