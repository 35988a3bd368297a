// Patterns and the table of them, and the parts of a target.
#include "http/route_table.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/target.hpp>

namespace ringfort::http {
namespace {

/// A table of these patterns; route numbers are their places.
RouteTable table_of(const std::vector<std::string>& patterns) {
  RouteTree tree;
  for (std::uint32_t route = 0; route < patterns.size(); ++route) {
    REQUIRE(valid_pattern(patterns[route]));
    REQUIRE(tree.add(patterns[route], route));
  }
  auto table = RouteTable::compile(tree);
  REQUIRE(table);
  return std::move(*table);
}

/// The pattern that each path finds; empty for none.
void check(const std::vector<std::string>& patterns,
           const std::vector<std::pair<std::string, std::string>>& wanted) {
  const RouteTable table = table_of(patterns);
  for (const auto& [path, pattern] : wanted) {
    const auto found = table.find(path);
    CAPTURE(path);
    CHECK((found ? patterns[*found] : "") == pattern);
  }
}

TEST_CASE("routes: an exact pattern is its path alone, with or without a slash as written") {
  check({"/a", "/a/b", "/c/$", "/$"}, {{"/a", "/a"},
                                       {"/a/b", "/a/b"},
                                       {"/c/", "/c/$"},
                                       {"/", "/$"},
                                       {"/a/", ""},
                                       {"/a/b/", ""},
                                       {"/a//b", ""},
                                       {"//a", ""},
                                       {"/c", ""},
                                       {"/c/d", ""},
                                       {"/A", ""},
                                       {"", ""},
                                       {"a", ""},
                                       {"*", ""}});
}

TEST_CASE("routes: a prefix is everything that begins so, itself included, and the longest wins") {
  check({"/", "/s/", "/s/deep/"}, {{"/", "/"},
                                   {"/x/y", "/"},
                                   {"//", "/"},
                                   {"/s", "/"},
                                   {"/s/", "/s/"},
                                   {"/s/x", "/s/"},
                                   {"/s//", "/s/"},
                                   {"/s/deep", "/s/"},
                                   {"/s/deep/", "/s/deep/"},
                                   {"/s/deep/x/y/z", "/s/deep/"}});
}

TEST_CASE("routes: a parameter is one segment, and never an empty one") {
  check({"/u/:id", "/u/:id/posts/:post"}, {{"/u/7", "/u/:id"},
                                           {"/u/", ""},
                                           {"/u/7/", ""},
                                           {"/u/7/posts/9", "/u/:id/posts/:post"},
                                           {"/u//posts/9", ""},
                                           {"/u/a%2Fb", "/u/:id"}});
}

TEST_CASE("routes: the first segment that differs decides: literal, parameter, prefix") {
  check({"/u/me", "/u/:id", "/u/", "/:any/b", "/a/:x/c", "/a/b/"}, {{"/u/me", "/u/me"},
                                                                    {"/u/you", "/u/:id"},
                                                                    {"/u/you/x", "/u/"},
                                                                    {"/u/b", "/u/:id"},
                                                                    {"/z/b", "/:any/b"},
                                                                    {"/a/b/c", "/a/b/"},
                                                                    {"/a/x/c", "/a/:x/c"},
                                                                    {"/a/b", "/:any/b"}});
}

TEST_CASE("routes: a literal that leads nowhere gives way to a parameter before it") {
  check({"/a/b/c", "/:x/b/d", "/:x/:y/e"},
        {{"/a/b/c", "/a/b/c"}, {"/a/b/d", "/:x/b/d"}, {"/a/b/e", "/:x/:y/e"}, {"/a/b/f", ""}});
}

TEST_CASE("routes: literals are compared decoded, so that no spelling gets past one") {
  check({"/private/", "/", "/caf\xc3\xa9", "/a b"}, {{"/%70rivate/x", "/private/"},
                                                     {"/%70%52ivate/x", "/"},
                                                     {"/p%72ivat%65/", "/private/"},
                                                     {"/caf%C3%A9", "/caf\xc3\xa9"},
                                                     {"/caf%c3%a9", "/caf\xc3\xa9"},
                                                     {"/a%20b", "/a b"},
                                                     {"/private%2Fx", "/"},
                                                     {"/private%zz", "/"},
                                                     {"/private%", "/"}});
}

TEST_CASE("routes: malformed patterns are told from well-formed ones") {
  for (const char* pattern : {"/", "/a", "/a/", "/a/$", "/$", "/:a/:b", "/:a/", "/a:b", "/a$"}) {
    CAPTURE(pattern);
    CHECK(valid_pattern(pattern));
  }
  for (const char* pattern :
       {"", "a", "//", "/a//b", "/$/a", "/:", "/:a/:a", "/:a-b", "/a%20b", "/:a/x/:b/:a/", "*"}) {
    CAPTURE(pattern);
    CHECK_FALSE(valid_pattern(pattern));
  }
}

TEST_CASE("routes: the same shape twice is refused, whatever its parameters are called") {
  RouteTree tree;
  CHECK(tree.add("/u/:id", 0));
  CHECK_FALSE(tree.add("/u/:name", 1));
  CHECK(tree.add("/u/:id/", 2));
  CHECK_FALSE(tree.add("/u/:other/", 3));
  CHECK(tree.add("/u/:id/$", 4));
  CHECK_FALSE(tree.add("/u/:id/$", 5));
}

TEST_CASE("routes: patterns that overlap in too many ways are refused, not compiled for ever") {
  constexpr int segments = 24;
  RouteTree tree;
  for (int literal = 0; literal < segments; ++literal) {
    std::string pattern;
    for (int at = 0; at < segments; ++at) {
      pattern.append(at == literal ? std::string("/a") : "/:p" + std::to_string(at));
    }
    pattern.append("/r").append(std::to_string(literal));
    REQUIRE(tree.add(pattern, static_cast<std::uint32_t>(literal)));
  }
  CHECK_FALSE(RouteTable::compile(tree));
}

TEST_CASE("routes: each of ten thousand is found among them") {
  std::vector<std::string> patterns;
  for (int number = 0; number < 10'000; ++number) {
    patterns.push_back("/api/" + std::to_string(number) + (number % 2 == 0 ? "/:id" : "/"));
  }
  const RouteTable table = table_of(patterns);
  for (std::uint32_t route = 0; route < patterns.size(); ++route) {
    const auto found = table.find("/api/" + std::to_string(route) + "/x");
    REQUIRE(found == route);
  }
}

TEST_CASE("target: path and query of each form") {
  CHECK(path_of("/a/b?c=d") == "/a/b");
  CHECK(path_of("/") == "/");
  CHECK(path_of("/a#b?c") == "/a");
  CHECK(path_of("http://host:80/a?b") == "/a");
  CHECK(path_of("http://host") == "/");
  CHECK(path_of("http://host?a/b") == "/");
  CHECK(path_of("*").empty());
  CHECK(path_of("host:443").empty());
  CHECK(query_of("/a?b=c?d") == "b=c?d");
  CHECK(query_of("/a?b#c") == "b");
  CHECK(query_of("/a").empty());
}

TEST_CASE("target: percent-encoded text is decoded as asked, and what is malformed is not") {
  std::array<std::byte, 64> block;
  Arena arena(block);
  CHECK(percent_decoded("plain+text", arena) == "plain+text");
  CHECK(arena.used_bytes() == 0);
  CHECK(percent_decoded("%41%2f%2F%00b", arena) == std::string_view("A//\0b", 5));
  for (const char* text : {"%", "%4", "%4g", "%g4", "a%", "%%41", "%+1", "% 1"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decoded(text, arena));
  }
  CHECK_FALSE(percent_decoded(std::string(100, 'x') + "%41", arena));
}

} // namespace
} // namespace ringfort::http
