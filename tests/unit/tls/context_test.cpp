// What a context refuses: each fault of stage tls_context, from the input that causes it.
#include <ringfort/tls.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;
using peer::make_identity;

/// A file that goes with the test.
class File {
public:
  explicit File(std::string_view text)
      : path_(std::filesystem::temp_directory_path() /
              ("ringfort-" + std::to_string(::getpid()) + ".pem")) {
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

Result<Context> create(const Identity& identity) {
  ContextOptions options;
  options.identities.push_back(identity);
  return Context::create(std::move(options));
}

Result<Context> create(ContextOptions options) {
  options.identities.push_back(make_identity(KeyType::ecdsa_p256));
  return Context::create(std::move(options));
}

TEST_CASE("context: a certificate and its key are taken, of both key types together") {
  ContextOptions options;
  options.identities = {make_identity(KeyType::ecdsa_p256), make_identity(KeyType::rsa_2048)};
  const auto context = Context::create(options);
  REQUIRE(context);
  CHECK(context->options().identities.size() == 2);
}

TEST_CASE("context: an identity is read from two files") {
  const Identity identity = make_identity(KeyType::ecdsa_p256);
  const File both(identity.chain_pem + identity.key_pem);
  const auto loaded = load_identity(both.path(), both.path());
  REQUIRE(loaded);
  CHECK(create(*loaded));
}

TEST_CASE("context: a file that is not there is tls_context.unreadable") {
  const File file("text");
  const auto chain = load_identity("/nonexistent/cert.pem", file.path());
  REQUIRE_FALSE(chain);
  CHECK(chain.error().code == Code::tls_context_unreadable);
  CHECK(chain.error().detail == ENOENT);
  const auto key = load_identity(file.path(), "/nonexistent/key.pem");
  REQUIRE_FALSE(key);
  CHECK(key.error().code == Code::tls_context_unreadable);
  const auto folder = load_identity("/", file.path());
  REQUIRE_FALSE(folder);
  CHECK(folder.error().detail == EISDIR);
}

TEST_CASE("SC-05: a chain that is no certificate is tls_context.not_pem") {
  Identity identity = make_identity(KeyType::ecdsa_p256);
  const std::string whole = identity.chain_pem;
  for (const std::string& chain :
       {std::string("no certificate\n"), identity.key_pem, whole.substr(0, whole.size() / 2),
        whole + whole.substr(0, whole.size() / 2)}) {
    identity.chain_pem = chain;
    const auto context = create(identity);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::tls_context_not_pem);
  }
}

TEST_CASE("SC-05: a key that is none is tls_context.key_unusable") {
  Identity identity = make_identity(KeyType::ecdsa_p256);
  for (const std::string& key :
       {std::string("text"), identity.chain_pem, identity.key_pem.substr(0, 80)}) {
    identity.key_pem = key;
    const auto context = create(identity);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::tls_context_key_unusable);
  }
}

TEST_CASE("SC-04: another certificate's key is tls_context.key_mismatch") {
  for (const KeyType type : {KeyType::ecdsa_p256, KeyType::rsa_2048}) {
    Identity identity = make_identity(KeyType::ecdsa_p256);
    identity.key_pem = make_identity(type).key_pem;
    const auto context = create(identity);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::tls_context_key_mismatch);
  }
}

TEST_CASE("SC-14: suites and groups that leave nothing are tls_context.no_usable_suite") {
  constexpr std::array<std::string_view, 4> wrong{"NULL-SHA256", "ECDHE-ECDSA-AES128-SHA",
                                                  "nonsense", "TLS_AES_128_GCM_SHA256:nonsense"};
  for (const std::string_view suites : wrong) {
    ContextOptions options;
    options.suites = suites;
    const auto context = create(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::tls_context_no_usable_suite);
  }
  ContextOptions none_of_version;
  none_of_version.suites = "TLS_AES_128_GCM_SHA256";
  none_of_version.version_max = Version::tls_1_2;
  CHECK(create(none_of_version).error().code == Code::tls_context_no_usable_suite);
}

TEST_CASE("context: a group or a signature scheme that is not known has a refusal of its own") {
  ContextOptions group;
  group.groups = "X25519:nonsense";
  CHECK(create(group).error().code == Code::tls_context_unknown_group);
  ContextOptions signature;
  signature.signatures = "ecdsa_secp256r1_sha256:nonsense";
  CHECK(create(signature).error().code == Code::tls_context_unknown_signature);
}

TEST_CASE("SC-15, SC-16, TE-16: the default policy") {
  const auto context = create(ContextOptions{});
  REQUIRE(context);
  CHECK(context->policy() ==
        "versions: TLSv1.2 to TLSv1.3\n"
        "suites: TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 "
        "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 "
        "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 "
        "ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305\n"
        "groups: X25519 P-256 P-384\n"
        "signatures: ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ed25519 rsa_pss_rsae_sha256 "
        "rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pkcs1_sha256 rsa_pkcs1_sha384 "
        "rsa_pkcs1_sha512\n"
        "protocols: http/1.1\n"
        "tickets: 1\n"
        "ticket lifetime: 7200 s\n"
        "ticket keys: generated, renewed every 3600 s, 2 previous kept\n"
        "client certificates: none\n"
        "key log: no\n"
        "early data: no\n"
        "renegotiation: no\n"
        "compression: no\n");
}

TEST_CASE("context: a policy that is narrowed says what is left") {
  ContextOptions options;
  options.version_min = Version::tls_1_3;
  options.suites = "TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256";
  options.groups = "P-256";
  options.tickets = 0;
  const auto context = create(options);
  REQUIRE(context);
  CHECK(context->policy().starts_with("versions: TLSv1.3 to TLSv1.3\n"
                                      "suites: TLS_AES_256_GCM_SHA384\n"
                                      "groups: P-256\n"));
  CHECK(context->policy().find("tickets: 0\n") != std::string::npos);
}

TEST_CASE("SC-15: a lowest version above the highest is tls_context.version_range") {
  ContextOptions options;
  options.version_min = Version::tls_1_3;
  options.version_max = Version::tls_1_2;
  const auto context = create(options);
  REQUIRE_FALSE(context);
  CHECK(context.error().code == Code::tls_context_version_range);
}

TEST_CASE("SC-12: no identity, and too many tickets, are config.invalid") {
  CHECK(Context::create({}).error().code == Code::config_invalid);
  ContextOptions options;
  options.tickets = 9;
  CHECK(create(options).error().code == Code::config_invalid);
  options.tickets = 8;
  CHECK(create(options));
}

} // namespace
} // namespace ringfort::tls
