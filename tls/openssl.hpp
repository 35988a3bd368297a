// openssl — RAII owners of OpenSSL's objects. Included only inside tls/, and by the peers
// that tests play.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ringfort/bytes.hpp>

namespace ringfort::tls {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

/// Leaves OpenSSL's error queue empty, whatever happened.
struct ErrorQueueGuard {
  ErrorQueueGuard() noexcept = default;
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

/// Wipes secret bytes when they go out of use, however that comes.
class WipeGuard {
public:
  template <class T, std::size_t N>
  explicit WipeGuard(std::array<T, N>& secret) noexcept
      : begin_(secret.data()), bytes_(sizeof secret) {}
  WipeGuard(const WipeGuard&) = delete;
  WipeGuard& operator=(const WipeGuard&) = delete;
  ~WipeGuard() { OPENSSL_cleanse(begin_, bytes_); }

private:
  void* begin_;
  std::size_t bytes_;
};

/// Bytes as OpenSSL takes them.
inline unsigned char* raw(MutableBytes bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

using LibraryContextOwner = std::unique_ptr<OSSL_LIB_CTX, Freer<OSSL_LIB_CTX_free>>;
using SslContextOwner = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SslOwner = std::unique_ptr<SSL, Freer<SSL_free>>;
using BioOwner = std::unique_ptr<BIO, Freer<BIO_free>>;
using CertificateOwner = std::unique_ptr<X509, Freer<X509_free>>;
using KeyOwner = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CipherOwner = std::unique_ptr<EVP_CIPHER, Freer<EVP_CIPHER_free>>;
using KdfOwner = std::unique_ptr<EVP_KDF, Freer<EVP_KDF_free>>;
using MdOwner = std::unique_ptr<EVP_MD, Freer<EVP_MD_free>>;
using KdfContextOwner = std::unique_ptr<EVP_KDF_CTX, Freer<EVP_KDF_CTX_free>>;

} // namespace ringfort::tls
