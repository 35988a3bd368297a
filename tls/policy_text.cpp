// What a context does, in words: read back from OpenSSL where it tells.
#include "tls/policy.hpp"

#include <algorithm>

#include "tls/authorities.hpp"
#include "tls/client_certificates.hpp"
#include "tls/openssl.hpp"
#include "tls/suites.hpp"

namespace ringfort::tls {

namespace {

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

void add_agreed(std::string& text, SSL_CTX* context, const std::string& groups,
                const std::string& signatures) {
  std::string versions(protocol_name(SSL_CTX_get_min_proto_version(context)));
  versions.append(" to ").append(protocol_name(SSL_CTX_get_max_proto_version(context)));
  add_line(text, "versions", versions);
  add_line(text, "suites", suites_of(context));
  add_line(text, "groups", spaced(groups));
  add_line(text, "signatures", spaced(signatures));
  add_line(text, "protocols", "http/1.1");
}

void add_refused(std::string& text, SSL_CTX* context) {
  const auto set = SSL_CTX_get_options(context);
  const auto refused = [set](std::uint64_t option) { return (set & option) != 0 ? "no" : "yes"; };
  add_line(text, "early data", SSL_CTX_get_max_early_data(context) == 0 ? "no" : "yes");
  add_line(text, "renegotiation", refused(SSL_OP_NO_RENEGOTIATION));
  add_line(text, "compression", refused(SSL_OP_NO_COMPRESSION));
}

std::string text_of_authorities(const ClientContext::Description& description) {
  const ClientContextOptions& options = description.options;
  const bool given = !options.authorities_pem.empty();
  const auto count =
      count_of_certificates(given ? options.authorities_pem : description.machine_pem);
  std::string text = std::to_string(count);
  text.append(given ? " given" : " of this machine");
  const auto extra_count = count_of_certificates(options.extra_authorities_pem);
  if (extra_count > 0) text.append(", ").append(std::to_string(extra_count)).append(" extra");
  const auto list_count = count_of_revocation_lists(options.revocation_lists_pem);
  return text.append(", revocation lists ").append(std::to_string(list_count));
}

} // namespace

std::string text_of_policy(ssl_ctx_st* context, const ContextOptions& options) {
  std::string text;
  add_agreed(text, context, options.groups, options.signatures);
  add_line(text, "tickets", std::to_string(SSL_CTX_get_num_tickets(context)));
  add_line(text, "ticket lifetime", std::to_string(options.ticket_lifetime.count()) + " s");
  add_line(text, "ticket keys", options.ticket_keys ? options.ticket_keys->text() : "none");
  add_line(text, "client certificates", text_of_clients(options.clients));
  add_line(text, "key log", options.key_log == nullptr ? "no" : "yes");
  add_refused(text, context);
  return text;
}

std::string text_of_policy(ssl_ctx_st* context, const ClientContext::Description& description) {
  const ClientContextOptions& options = description.options;
  std::string text;
  add_agreed(text, context, options.groups, options.signatures);
  add_line(text, "verification", options.verifies ? "yes" : "no: anybody is believed");
  add_line(text, "authorities", text_of_authorities(description));
  add_line(text, "pins", std::to_string(description.pins.size()));
  add_line(text, "identity", options.identity ? "shown when asked for" : "none");
  add_line(text, "sessions", std::to_string(options.sessions_max));
  add_line(text, "key log", options.key_log == nullptr ? "no" : "yes");
  add_refused(text, context);
  return text;
}

} // namespace ringfort::tls
