// Whom a machine believes: a file and a folder, and nothing that an environment says.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/authority.hpp"
#include "tls/authorities.hpp"

namespace ringfort::tls {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
class Folder {
public:
  Folder() {
    std::string name = fs::temp_directory_path() / "ringfort-authorities-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  const fs::path& path() const noexcept { return path_; }

private:
  fs::path path_;
};

TEST_CASE("authorities: a machine without any is tls_context.no_system_authorities") {
  const Folder folder;
  const auto none = system_authorities(folder.path() / "none.pem", folder.path() / "none");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Code::tls_context_no_system_authorities);
  const auto junk = system_authorities(folder.write("junk.pem", "junk"), folder.path());
  REQUIRE_FALSE(junk);
  CHECK(junk.error().code == Code::tls_context_no_system_authorities);
}

TEST_CASE("authorities: those of the file and of the folder's links count, each once") {
  const Folder folder;
  const peer::Authority one("one");
  const peer::Authority other("other");
  const fs::path file = folder.write("all.pem", one.pem());
  folder.write("0123abcd.0", one.pem());
  folder.write("89abcdef.0", other.pem());
  folder.write("notes.txt", peer::Authority("third").pem());
  const auto pem = system_authorities(file, folder.path());
  REQUIRE(pem);
  CHECK(count_of_certificates(*pem) == 2);
}

TEST_CASE("PE-04: no environment variable says whom this machine believes") {
  const Folder folder;
  const std::string alone = peer::Authority("of the environment").pem();
  const std::string file = folder.write("alone.pem", alone);
  REQUIRE(::setenv("SSL_CERT_FILE", file.c_str(), 1) == 0);
  REQUIRE(::setenv("SSL_CERT_DIR", folder.path().c_str(), 1) == 0);
  const auto pem = system_authorities();
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("SSL_CERT_DIR");
  CHECK((!pem || !pem->contains(alone)));
}

} // namespace
} // namespace ringfort::tls
