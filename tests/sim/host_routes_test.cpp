// A service made of services by host: who answers for which name, and for none.
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>
#include <ringfort/host_routes.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

/// Says its own name.
std::unique_ptr<Service> named(std::string_view name) {
  return service([name](Exchange& exchange) { answer_text(exchange, 200, name); });
}

HostRoutes some_routes() {
  HostRoutes routes;
  routes.on("API.example.org.", named("api"))
      .on("*.example.org", named("any"))
      .on("192.0.2.7", named("address"))
      .on("[2001:DB8:0::1]", named("loopback"));
  return routes;
}

/// What is said for a request of this host and target: a body, or the status of a refusal.
std::string answer(HostRoutes routes, const std::string& host, const std::string& target = "/") {
  Play play;
  play.serve([service = std::shared_ptr<Service>(std::move(routes).build().or_exit())](
                 Exchange& exchange) { service->begin(exchange); });
  const std::string text =
      play.ask("GET " + target + " HTTP/1.1\r\nhost: " + host + "\r\nconnection: close\r\n\r\n")
          .received();
  CHECK(play.reports().empty());
  const std::string status = text.substr(9, 3);
  return status == "200" ? text.substr(text.find("\r\n\r\n") + 4) : status;
}

TEST_CASE("host routes: the name decides, in any case, with and without port and final dot") {
  for (const char* const host :
       {"api.example.org", "Api.Example.ORG", "api.example.org.", "api.example.org:8443"}) {
    CHECK(answer(some_routes(), host) == "api");
  }
  CHECK(answer(some_routes(), "www.example.org:443") == "any");
  CHECK(answer(some_routes(), "192.0.2.7:81") == "address");
  CHECK(answer(some_routes(), "[2001:db8::1]:81") == "loopback");
  CHECK(answer(some_routes(), "[2001:0db8:0:0::1]") == "loopback");
  // What the target says goes before (RFC 9112 section 3.2.2).
  CHECK(answer(some_routes(), "www.example.org", "http://api.example.org/") == "api");
}

TEST_CASE("host routes: a host that is none of them is answered 421, unless there is one for it") {
  for (const char* const host :
       {"example.org", "a.b.example.org", "*.example.org", "192.0.2.8", "[::2]", "x"}) {
    CHECK(answer(some_routes(), host) == "421");
    HostRoutes with_rest = some_routes();
    with_rest.on("", named("rest"));
    CHECK(answer(std::move(with_rest), host) == "rest");
  }
}

TEST_CASE("host routes: the first that is wrong is told by its number") {
  const auto refusal = [](std::string_view host) {
    HostRoutes routes = some_routes();
    routes.on(host, named("other"));
    const auto built = std::move(routes).build();
    return built ? Error{} : built.error();
  };
  for (const char* const host :
       {"a..b", "*.", "*", "a b", "a:81", "https://a", "...", "[:::]", "::1"}) {
    CHECK(refusal(host) == Error{.code = Code::config_bad_route, .detail = 5});
  }
  for (const char* const host : {"api.EXAMPLE.org", "*.example.org", "[2001:db8::0:1]"}) {
    CHECK(refusal(host) == Error{.code = Code::config_route_conflict, .detail = 5});
  }
}

} // namespace
} // namespace ringfort::sim
