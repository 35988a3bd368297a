// Descriptors that a process was started with: what the three variables may say, and who takes
// what.
#include "cli/inherited.hpp"

#include <string>
#include <vector>

#include <sys/mman.h>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::cli {
namespace {

using Names = std::vector<std::string>;

constexpr int process = 4'711;

Names names(std::string_view pid, std::string_view count, std::string_view texts) {
  return inherited_names(pid, count, texts, process);
}

TEST_CASE("inherited: names come in the order of their descriptors") {
  CHECK(names("4711", "2", "https:admin") == Names{"https", "admin"});
  CHECK(names("0000004711", "1", "web") == Names{"web"});
}

TEST_CASE("inherited: one without a name is unknown, as for sd_listen_fds_with_names") {
  CHECK(names("4711", "2", "") == Names{"unknown", "unknown"});
  CHECK(names("4711", "3", "web") == Names{"web", "unknown", "unknown"});
  CHECK(names("4711", "3", "web::api") == Names{"web", "unknown", "api"});
  CHECK(names("4711", "1", "web:api") == Names{"web"});
}

TEST_CASE("inherited: what is another process's, or no number, is nothing") {
  CHECK(names("4712", "1", "web").empty());
  CHECK(names("", "1", "web").empty());
  CHECK(names("4711", "", "web").empty());
  CHECK(names("4711", "-1", "web").empty());
  CHECK(names("4711", "0", "").empty());
  CHECK(names("4711x", "1", "web").empty());
  CHECK(names("4711", "99999999999", "web").empty());
}

TEST_CASE("inherited: each is taken once, by its name or as the next one") {
  std::vector<Inherited::Passed> passed;
  for (const char* name : {"web", "api", "web"}) {
    passed.push_back({name, Descriptor(::memfd_create(name, MFD_CLOEXEC))});
  }
  const int second_web = passed[2].descriptor.get();
  Inherited inherited(std::move(passed));
  CHECK(inherited.names() == "web api web");
  CHECK_FALSE(inherited.take("none"));
  CHECK(inherited.take("web"));
  CHECK(inherited.take("web").get() == second_web);
  CHECK_FALSE(inherited.take("web"));
  const auto last = inherited.take_any();
  REQUIRE(last);
  CHECK(last->name == "api");
  CHECK(inherited.none());
  CHECK_FALSE(inherited.take_any());
}

} // namespace
} // namespace ringfort::cli
