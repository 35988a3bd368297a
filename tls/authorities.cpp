#include "tls/authorities.hpp"

#include <algorithm>
#include <system_error>

#include "tls/file.hpp"
#include "tls/identity.hpp"

namespace ringfort::tls {

namespace {

using ListOwner = std::unique_ptr<X509_CRL, Freer<X509_CRL_free>>;

std::size_t count_of(std::string_view pem, std::string_view begin) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = pem.find(begin, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

/// What is no certificate is left out, and so is what is there already: Debian's one file is made
/// of its folder's.
void append_file(const std::filesystem::path& file, std::string& pem) {
  const auto text = read_file(file);
  if (!text || pem.contains(*text)) return;
  const auto certificates = parse_certificates(nullptr, *text);
  if (certificates && !certificates->empty()) pem.append(*text).append("\n");
}

/// Named after its subject's hash by c_rehash(1): "002c0b4f.0".
bool is_hash_link(const std::filesystem::path& file) {
  const std::string number = file.extension();
  return file.stem().string().size() == 8 && number.size() > 1 &&
         std::ranges::all_of(number.substr(1), [](char one) { return one >= '0' && one <= '9'; });
}

void append_folder(const std::filesystem::path& folder, std::string& pem) {
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator at(folder, error); !error && at != end;
       at.increment(error)) {
    if (is_hash_link(at->path())) append_file(at->path(), pem);
  }
}

} // namespace

Result<std::vector<CertificateOwner>> add_authorities(OSSL_LIB_CTX* library, X509_STORE* store,
                                                      const std::string& pem) {
  auto authorities = parse_certificates(library, pem);
  if (!authorities || authorities->empty()) return fail(Code::tls_context_junk_authority);
  for (const CertificateOwner& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) {
      return fail(Code::tls_context_no_memory);
    }
  }
  return authorities;
}

Result<> add_revocation_lists(OSSL_LIB_CTX* library, X509_STORE* store, const std::string& pem) {
  const BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  unsigned count = 0;
  while (true) {
    X509_CRL* read = X509_CRL_new_ex(library, nullptr);
    ERR_clear_error();
    if (PEM_read_bio_X509_CRL(bio.get(), &read, nullptr, nullptr) == nullptr) {
      X509_CRL_free(read);
      break;
    }
    const ListOwner list(read);
    if (X509_STORE_add_crl(store, list.get()) != 1) return fail(Code::tls_context_no_memory);
    ++count;
  }
  const bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!whole || count == 0) return fail(Code::tls_context_junk_revocation_list);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

Result<std::string> system_authorities() {
  return system_authorities(X509_get_default_cert_file(), X509_get_default_cert_dir());
}

Result<std::string> system_authorities(const std::filesystem::path& file,
                                       const std::filesystem::path& folder) {
  const ErrorQueueGuard guard;
  std::string pem;
  append_file(file, pem);
  append_folder(folder, pem);
  if (pem.empty()) return fail(Code::tls_context_no_system_authorities);
  return pem;
}

std::size_t count_of_certificates(std::string_view pem) noexcept {
  return count_of(pem, "-----BEGIN CERTIFICATE-----");
}

std::size_t count_of_revocation_lists(std::string_view pem) noexcept {
  return count_of(pem, "-----BEGIN X509 CRL-----");
}

} // namespace ringfort::tls
