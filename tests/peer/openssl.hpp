// openssl — RAII owners of what the played peers take from OpenSSL: the room's own, and one more.
#pragma once

#include <string>

#include <ringfort/check.hpp>

#include "tls/openssl.hpp"

namespace ringfort::peer {

using tls::BioOwner;
using tls::CertificateOwner;
using tls::KeyOwner;
using tls::SslContextOwner;
using tls::SslOwner;
using SslSessionOwner = std::unique_ptr<SSL_SESSION, tls::Freer<SSL_SESSION_free>>;

/// What `write` puts into a BIO of memory.
template <class Write>
std::string written_by(Write write) {
  const BioOwner memory(BIO_new(BIO_s_mem()));
  RINGFORT_CHECK(write(memory.get()) == 1);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

} // namespace ringfort::peer
