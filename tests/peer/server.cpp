#include "tests/peer/server.hpp"

#include <array>

#include <ringfort/check.hpp>

namespace ringfort::peer {

namespace {

int select(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char*,
           unsigned, void* protocol_pointer) {
  const auto& protocol = *static_cast<const std::string*>(protocol_pointer);
  if (protocol.empty()) return SSL_TLSEXT_ERR_NOACK;
  *out = reinterpret_cast<const unsigned char*>(protocol.data());
  *out_bytes = static_cast<unsigned char>(protocol.size());
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

Server::Server(const ServerOptions& options)
    : End(TLS_server_method(), options), protocol_(options.protocol) {
  SSL_CTX* context = this->context();
  std::array<unsigned char, 80> ticket_keys{};
  RINGFORT_CHECK(SSL_CTX_set_tlsext_ticket_keys(context, ticket_keys.data(), ticket_keys.size()) ==
                 1);
  SSL_CTX_set_session_id_context(context, ticket_keys.data(), 1);
  SSL_CTX_set_num_tickets(context, options.tickets);
  SSL_CTX_set_alpn_select_cb(context, select, &protocol_);
  SSL_set_accept_state(begin());
}

std::string Server::server_name() const {
  const char* name = SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

} // namespace ringfort::peer
