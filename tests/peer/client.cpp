#include "tests/peer/client.hpp"

namespace ringfort::peer {

Client::Client(const ClientOptions& options) : End(TLS_client_method(), options) {
  SSL_CTX* context = this->context();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);

  SSL* ssl = begin();
  SSL_set_app_data(ssl, this);
  SSL_set_connect_state(ssl);
  if (!options.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
    SSL_set1_host(ssl, options.server_name.c_str());
  }
  std::string protocols;
  for (const std::string& name : options.protocols) {
    protocols += static_cast<char>(name.size()) + name;
  }
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));
  if (options.session != nullptr) {
    // A copy: OpenSSL marks what it has used in TLS 1.3, and would not offer it a second time.
    const SslSessionOwner offered(SSL_SESSION_dup(options.session));
    SSL_set_session(ssl, offered.get());
  }
  move_on();
}

int Client::on_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<Client*>(SSL_get_app_data(ssl))->sessions_.emplace_back(session);
  return 1; // Kept.
}

} // namespace ringfort::peer
