// openssl — RAII owners of what the played peers take from OpenSSL.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace ringfort::peer {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using SslContextOwner = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using SslOwner = std::unique_ptr<SSL, Free<SSL_free>>;
using SslSessionOwner = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;
using BioOwner = std::unique_ptr<BIO, Free<BIO_free>>;
using KeyOwner = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificateOwner = std::unique_ptr<X509, Free<X509_free>>;

} // namespace ringfort::peer
