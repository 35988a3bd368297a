#include "tls/policy.hpp"

#include <algorithm>

#include "tls/client_certificates.hpp"
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

/// Sorts the names into OpenSSL's two lists; only suites whose records we know are let in.
Result<> use_suites(SSL_CTX* context, const ContextOptions& options) {
  std::string_view rest = options.suites.empty() ? default_suites() : options.suites;
  std::string old_list;
  std::string new_list;
  while (!rest.empty()) {
    const std::string_view name = take_name(rest);
    const Suite* suite = suite_named(name);
    if (suite == nullptr) return fail(Code::tls_context_no_usable_suite);
    if (suite->version < options.version_min || suite->version > options.version_max) continue;
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

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* in, unsigned in_bytes, void*) noexcept {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  const int status = SSL_select_next_proto(&selected, out_bytes, ours, sizeof ours, in, in_bytes);
  *out = selected;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::string_view protocol_name(long version) noexcept {
  return name_of(version == TLS1_3_VERSION ? Version::tls_1_3 : Version::tls_1_2);
}

void add_line(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\n");
}

std::string suites_of(SSL_CTX* context) {
  const long version_min = SSL_CTX_get_min_proto_version(context);
  const long version_max = SSL_CTX_get_max_proto_version(context);
  const STACK_OF(SSL_CIPHER)* list = SSL_CTX_get_ciphers(context);
  std::string names;
  for (int index = 0; index < sk_SSL_CIPHER_num(list); ++index) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(list, index);
    const bool of_new = std::string_view(SSL_CIPHER_get_version(cipher)) == "TLSv1.3";
    const long version = of_new ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (version < version_min || version > version_max) continue;
    const Suite* suite = suite_of(SSL_CIPHER_get_protocol_id(cipher));
    // A name of OpenSSL's own here would be a defect: only suites that we know are let in.
    names.append(names.empty() ? "" : " ");
    names.append(suite != nullptr ? suite->name : SSL_CIPHER_get_name(cipher));
  }
  return names;
}

std::string spaced(std::string list) {
  std::replace(list.begin(), list.end(), ':', ' ');
  return list;
}

} // namespace

Result<> use_policy(ssl_ctx_st* context, const ContextOptions& options) {
  // What the identity holds is sent, and nothing is looked for besides.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (auto used = use_suites(context, options); !used) return used;
  if (has_binary_curve(options.groups) ||
      SSL_CTX_set1_groups_list(context, options.groups.c_str()) != 1) {
    return fail(Code::tls_context_unknown_group);
  }
  if (SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str()) != 1) {
    return fail(Code::tls_context_unknown_signature);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, options.tickets);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  return {};
}

std::string text_of_policy(ssl_ctx_st* context, const ContextOptions& options) {
  const auto set = SSL_CTX_get_options(context);
  const auto refused = [set](std::uint64_t option) { return (set & option) != 0 ? "no" : "yes"; };
  std::string versions(protocol_name(SSL_CTX_get_min_proto_version(context)));
  versions.append(" to ").append(protocol_name(SSL_CTX_get_max_proto_version(context)));
  std::string text;
  add_line(text, "versions", versions);
  add_line(text, "suites", suites_of(context));
  add_line(text, "groups", spaced(options.groups));
  add_line(text, "signatures", spaced(options.signatures));
  add_line(text, "protocols", "http/1.1");
  add_line(text, "tickets", std::to_string(SSL_CTX_get_num_tickets(context)));
  add_line(text, "ticket lifetime", std::to_string(options.ticket_lifetime.count()) + " s");
  add_line(text, "ticket keys", options.ticket_keys ? options.ticket_keys->text() : "none");
  add_line(text, "client certificates", text_of_clients(options.clients));
  add_line(text, "key log", options.key_log == nullptr ? "no" : "yes");
  add_line(text, "early data", SSL_CTX_get_max_early_data(context) == 0 ? "no" : "yes");
  add_line(text, "renegotiation", refused(SSL_OP_NO_RENEGOTIATION));
  add_line(text, "compression", refused(SSL_OP_NO_COMPRESSION));
  return text;
}

} // namespace ringfort::tls
