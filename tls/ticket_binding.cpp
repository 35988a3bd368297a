#include "tls/ticket_binding.hpp"

#include <string>

#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

/// Each field has its length in front, so that no two lists of fields read the same.
void add_field(std::string& fields, std::string_view field) {
  fields.append(std::to_string(field.size())).append(":").append(field);
}

void add_leaves(std::string& fields, SSL_CTX* context) {
  for (long at = SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST); at == 1;
       at = SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT)) {
    unsigned char* encoded = nullptr;
    const int bytes = i2d_X509(SSL_CTX_get0_certificate(context), &encoded);
    if (bytes <= 0) continue;
    add_field(fields, {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(bytes)});
    OPENSSL_free(encoded);
  }
}

void add_clients(std::string& fields, const ClientCertificates& clients) {
  add_field(fields, std::to_string(static_cast<unsigned>(clients.mode)));
  add_field(fields, std::to_string(clients.depth));
  add_field(fields, clients.authorities_pem);
  add_field(fields, clients.revocation_lists_pem);
}

} // namespace

Result<TicketBinding> ticket_binding_of(ssl_ctx_st* context, const ContextOptions& options,
                                        std::string_view entry) {
  std::string fields;
  add_field(fields, "ringfort session 1");
  add_field(fields, entry);
  add_clients(fields, options.clients);
  if (!options.resume_across_certificates) add_leaves(fields, context);
  TicketBinding binding;
  if (EVP_Digest(fields.data(), fields.size(), reinterpret_cast<unsigned char*>(binding.data()),
                 nullptr, EVP_sha256(), nullptr) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  return binding;
}

} // namespace ringfort::tls
