// authorities — whom a store believes: certificates and revocation lists, given as PEM, or this
// machine's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/error.hpp>

#include "tls/openssl.hpp"

namespace ringfort::tls {

/// Puts all certificates of the text into the store, and answers them.
/// Errors: tls_context.junk_authority, .no_memory.
Result<std::vector<CertificateOwner>> add_authorities(OSSL_LIB_CTX* library, X509_STORE* store,
                                                      const std::string& pem);

/// Each certificate of a chain has to be covered by one of these lists from now on.
/// Errors: tls_context.junk_revocation_list, .no_memory.
Result<> add_revocation_lists(OSSL_LIB_CTX* library, X509_STORE* store, const std::string& pem);

/// Whom this machine believes, as PEM: OpenSSL's file and its folder. SSL_CERT_FILE and
/// SSL_CERT_DIR (openssl-env(7)) change nothing. Errors: tls_context.no_system_authorities.
Result<std::string> system_authorities();
/// The same of others.
Result<std::string> system_authorities(const std::filesystem::path& file,
                                       const std::filesystem::path& folder);

std::size_t count_of_certificates(std::string_view pem) noexcept;
std::size_t count_of_revocation_lists(std::string_view pem) noexcept;

} // namespace ringfort::tls
