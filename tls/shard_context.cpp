#include "tls/shard_context.hpp"

#include <array>
#include <cstring>
#include <string>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/context.hpp"
#include "tls/openssl.hpp"
#include "tls/session.hpp"

namespace ringfort::tls {

struct ShardContext::Parts {
  LibraryContextOwner library;
  SslContextOwner ssl_context;
  std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> bio_method{nullptr, nullptr};
  std::array<CipherOwner, 3> ciphers;
  KdfOwner hkdf;
  KdfOwner prf;
};

namespace {

/// Leaves OpenSSL's error queue empty, whatever happened.
struct ErrorQueueGuard {
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

// Without a callback OpenSSL would ask for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) noexcept { return 0; }

Result<> use_chain(OSSL_LIB_CTX* library, SSL_CTX* context, const std::string& pem) {
  const BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool leaf = true;
  while (true) {
    X509* read = X509_new_ex(library, nullptr);
    if (PEM_read_bio_X509(bio.get(), &read, no_pass_phrase, nullptr) == nullptr) {
      X509_free(read);
      return leaf ? Result<>(fail(Code::tls_context_not_pem)) : Result<>();
    }
    CertificateOwner certificate(read);
    if (leaf) {
      if (SSL_CTX_use_certificate(context, certificate.get()) != 1) {
        return fail(Code::tls_context_not_pem, static_cast<int>(ERR_GET_REASON(ERR_peek_error())));
      }
      leaf = false;
    } else if (SSL_CTX_add0_chain_cert(context, certificate.get()) == 1) {
      (void)certificate.release(); // The context owns it now.
    } else {
      return fail(Code::tls_context_no_memory);
    }
  }
}

Result<> use_identity(OSSL_LIB_CTX* library, SSL_CTX* context, const Identity& identity) {
  if (auto chain = use_chain(library, context, identity.chain_pem); !chain) return chain;
  const BioOwner bio(
      BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size())));
  const KeyOwner key(
      PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, no_pass_phrase, nullptr, library, nullptr));
  if (key == nullptr) return fail(Code::tls_context_key_unusable);
  X509* leaf = SSL_CTX_get0_certificate(context);
  if (leaf == nullptr || X509_check_private_key(leaf, key.get()) != 1) {
    return fail(Code::tls_context_key_mismatch);
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return fail(Code::tls_context_key_unusable);
  return {};
}

/// Sorts the names into OpenSSL's two lists; only suites whose records we know are let in.
Result<> use_suites(SSL_CTX* context, const ContextOptions& options) {
  std::string_view rest = options.suites.empty() ? default_suites() : options.suites;
  std::string old_list;
  std::string new_list;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const Suite* suite = suite_named(name);
    if (suite == nullptr) return fail(Code::tls_context_no_usable_suite);
    if (suite->version < options.version_min || suite->version > options.version_max) continue;
    std::string& list = suite->version == Version::tls_1_3 ? new_list : old_list;
    if (!list.empty()) list += ':';
    list += name;
  }
  if (old_list.empty() && new_list.empty()) return fail(Code::tls_context_no_usable_suite);
  // A version without a suite is not offered at all.
  const bool new_only = old_list.empty();
  const bool old_only = new_list.empty();
  if (!new_only && SSL_CTX_set_cipher_list(context, old_list.c_str()) != 1) {
    return fail(Code::tls_context_no_usable_suite);
  }
  if (SSL_CTX_set_ciphersuites(context, new_list.c_str()) != 1) {
    return fail(Code::tls_context_no_usable_suite);
  }
  SSL_CTX_set_min_proto_version(context, new_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, old_only ? TLS1_2_VERSION : TLS1_3_VERSION);
  return {};
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* in, unsigned in_bytes, void*) noexcept {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  const int status = SSL_select_next_proto(&selected, out_bytes, ours, sizeof ours, in, in_bytes);
  *out = selected;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<> use_policy(SSL_CTX* context, const Context::Description& description) {
  const ContextOptions& options = description.options;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (auto used = use_suites(context, options); !used) return used;
  if (SSL_CTX_set1_groups_list(context, options.groups.c_str()) != 1) {
    return fail(Code::tls_context_no_usable_suite);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, options.tickets);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  static constexpr unsigned char session_context[] = "ringfort";
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
  auto keys = description.ticket_keys; // OpenSSL's macro wants it writable.
  if (SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size()) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  Session::observe(context);
  return {};
}

} // namespace

ShardContext::ShardContext(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
ShardContext::~ShardContext() = default;

Result<std::unique_ptr<ShardContext>> ShardContext::create(const Context& context) {
  const ErrorQueueGuard guard;
  auto parts = std::make_unique<Parts>();
  parts->library.reset(OSSL_LIB_CTX_new());
  OSSL_LIB_CTX* library = parts->library.get();
  parts->ssl_context.reset(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
  parts->bio_method = Session::make_bio_method();
  parts->ciphers = {CipherOwner(EVP_CIPHER_fetch(library, "AES-128-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(library, "AES-256-GCM", nullptr)),
                    CipherOwner(EVP_CIPHER_fetch(library, "ChaCha20-Poly1305", nullptr))};
  parts->hkdf.reset(EVP_KDF_fetch(library, OSSL_KDF_NAME_HKDF, nullptr));
  parts->prf.reset(EVP_KDF_fetch(library, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const bool made = parts->ssl_context && parts->bio_method && parts->ciphers[0] &&
                    parts->ciphers[1] && parts->ciphers[2] && parts->hkdf && parts->prf;
  if (!made) return fail(Code::tls_context_no_memory);
  SSL_CTX* ssl_context = parts->ssl_context.get();
  if (auto used = use_policy(ssl_context, context.description()); !used) {
    return std::unexpected(used.error());
  }
  for (const Identity& identity : context.options().identities) {
    if (auto used = use_identity(library, ssl_context, identity); !used) {
      return std::unexpected(used.error());
    }
  }
  return std::unique_ptr<ShardContext>(new ShardContext(std::move(parts)));
}

ssl_ctx_st* ShardContext::ssl_context() const noexcept { return parts_->ssl_context.get(); }
bio_method_st* ShardContext::bio_method() const noexcept { return parts_->bio_method.get(); }

evp_cipher_st* ShardContext::cipher(Aead aead) const noexcept {
  return parts_->ciphers[static_cast<std::size_t>(aead)].get();
}

namespace {

OSSL_PARAM octets(const char* name, Bytes bytes) noexcept {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()),
                                           bytes.size());
}

OSSL_PARAM digest(const Suite& suite) noexcept {
  return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(suite.hash), 0);
}

bool derive(EVP_KDF* kdf, const OSSL_PARAM* parameters, MutableBytes out) noexcept {
  const KdfContextOwner context(EVP_KDF_CTX_new(kdf));
  return context != nullptr &&
         EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                        parameters) == 1;
}

} // namespace

bool ShardContext::expand_label(const Suite& suite, Bytes secret, std::string_view label,
                                MutableBytes out) const noexcept {
  constexpr std::string_view prefix = "tls13 ";
  std::array<std::byte, 64> info;
  const std::size_t label_bytes = prefix.size() + label.size();
  if (label_bytes + 4 > info.size()) return false;
  info[0] = static_cast<std::byte>(out.size() >> 8);
  info[1] = static_cast<std::byte>(out.size());
  info[2] = static_cast<std::byte>(label_bytes);
  MutableBytes rest = copy_into(MutableBytes(info).subspan(3), bytes_of(prefix));
  rest = copy_into(rest, bytes_of(label));
  rest.front() = std::byte{0}; // An empty context.
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                   digest(suite), octets(OSSL_KDF_PARAM_KEY, secret),
                                   octets(OSSL_KDF_PARAM_INFO, Bytes(info).first(label_bytes + 4)),
                                   OSSL_PARAM_construct_end()};
  return derive(parts_->hkdf.get(), parameters, out);
}

bool ShardContext::prf(const Suite& suite, Bytes secret, std::string_view label, Bytes seed,
                       MutableBytes out) const noexcept {
  const OSSL_PARAM parameters[] = {digest(suite), octets(OSSL_KDF_PARAM_SECRET, secret),
                                   octets(OSSL_KDF_PARAM_SEED, bytes_of(label)),
                                   octets(OSSL_KDF_PARAM_SEED, seed), OSSL_PARAM_construct_end()};
  return derive(parts_->prf.get(), parameters, out);
}

} // namespace ringfort::tls
