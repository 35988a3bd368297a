// openssl — RAII owners of what the played peers take from OpenSSL: the room's own, and one more.
#pragma once

#include "tls/openssl.hpp"

namespace ringfort::peer {

using tls::BioOwner;
using tls::CertificateOwner;
using tls::KeyOwner;
using tls::SslContextOwner;
using tls::SslOwner;
using SslSessionOwner = std::unique_ptr<SSL_SESSION, tls::Freer<SSL_SESSION_free>>;

} // namespace ringfort::peer
