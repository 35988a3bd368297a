// Paths of targets as paths of files, and the types of files.
#include "http/file_path.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "http/content_type.hpp"

namespace ringfort::http {
namespace {

using Kind = FilePath::Kind;

/// The decoded path, "400" or "404".
std::string decoded(std::string_view path, bool dot_files = false) {
  std::array<char, 64> out;
  const FilePath found = decode_file_path(path, dot_files, out);
  if (found.kind == Kind::usable) return std::string(out.data(), found.bytes);
  return found.kind == Kind::malformed ? "400" : "404";
}

TEST_CASE("file paths: segments are decoded where they lie") {
  CHECK(decoded("") == "");
  CHECK(decoded("a/b.html") == "a/b.html");
  CHECK(decoded("a/") == "a/");
  CHECK(decoded("a%20b/%C3%a9") == "a b/\xc3\xa9");
  CHECK(decoded("a+b") == "a+b");
  CHECK(decoded("a%5Cb") == "a\\b");
  CHECK(decoded("a..b/c.") == "a..b/c.");
  CHECK(decoded("%41%2e") == "A.");
}

TEST_CASE("file paths: malformed escapes and NUL are told from names that are not served") {
  for (const char* path : {"%", "a%2", "a%zz/b", "%00", "a/b%00.html", "../%", ".git/%zz"}) {
    CAPTURE(path);
    CHECK(decoded(path) == "400");
  }
  for (const char* path : {"..", "../etc/passwd", "a/../b", "a/..", ".", "./a", "a/./b", "%2e%2e/x",
                           ".%2E/x", "%2e", "a%2fb", "..%2Fetc", "a//b", "/a", "//", "a//"}) {
    CAPTURE(path);
    CHECK(decoded(path) == "404");
    CHECK(decoded(path, true) == "404");
  }
}

TEST_CASE("file paths: dot files are not served unless they are meant to be") {
  for (const char* path : {".git/HEAD", "a/.htaccess", "%2egit", ".well-knownx", "...", "..a"}) {
    CAPTURE(path);
    CHECK(decoded(path) == "404");
    CHECK(decoded(path, true) != "404");
  }
  CHECK(decoded(".well-known/security.txt") == ".well-known/security.txt");
  CHECK(decoded(".well-known/.secret") == "404");
}

TEST_CASE("file paths: what does not fit is not there, and nothing is written behind the space") {
  CHECK(decoded(std::string(64, 'x')) == std::string(64, 'x'));
  CHECK(decoded(std::string(65, 'x')) == "404");
  CHECK(decoded(std::string(63, 'x') + "//") == "404");
  CHECK(decoded(std::string(63, 'x') + "/") == std::string(63, 'x') + "/");
  CHECK(decoded(std::string(64, 'x') + "/") == "404");
  CHECK(decoded(std::string(10'000, 'x') + "%zz") == "400");
}

TEST_CASE("content types: by the last ending, whatever its case") {
  CHECK(content_type_of("index.html").type == "text/html; charset=utf-8");
  CHECK(content_type_of("a/b.JS").type == "text/javascript; charset=utf-8");
  CHECK(content_type_of("a.min.css").type == "text/css; charset=utf-8");
  CHECK(content_type_of("data.json").type == "application/json");
  CHECK(content_type_of("a.svg").type == "image/svg+xml");
  CHECK(content_type_of("a.wasm").type == "application/wasm");
  CHECK(content_type_of("a.7z").type == "application/x-7z-compressed");
  CHECK(content_type_of("a.zst").type == "application/zstd");
  for (const char* path :
       {"", "html", "a.", "a.html/b", "a.nothing", "a.htmlhtmlhtmlhtml", "a.h", "a.webmanifestx"}) {
    CAPTURE(path);
    CHECK(content_type_of(path).type == "application/octet-stream");
  }
  CHECK(content_type_of("a.webmanifest").type == "application/manifest+json");
  CHECK(content_type_of("a.png").compressed);
  CHECK_FALSE(content_type_of("a.html").compressed);
  CHECK_FALSE(content_type_of("a.nothing").compressed);
}

} // namespace
} // namespace ringfort::http
