// A service made of routes: who answers, with what parameters, and what is said where nobody does.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>
#include <ringfort/router.hpp>
#include <ringfort/target.hpp>
#include <ringfort/whole_body.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

/// Says its own name.
auto named(std::string_view name) {
  return [name](Exchange& exchange) { answer_text(exchange, 200, name); };
}

void show(Exchange& exchange, RouteParameters parameters) {
  const auto id = percent_decoded(parameters["id"], exchange.arena());
  if (!id) return answer_text(exchange, 400, "malformed");
  std::string text(*id);
  answer_text(exchange, 200, text.append("|").append(parameters.rest()));
}

Task<> store(Exchange& exchange, RouteParameters parameters) {
  const auto body = co_await whole_body(exchange, 100);
  if (!body) co_return;
  answer_text(exchange, 201, std::string(parameters["id"]).append("=").append(body->text()));
}

std::unique_ptr<Service> routes() {
  Router router;
  router.get("/", named("home"))
      .get("/users/:id", show)
      .put("/users/:id", store)
      .get("/users/me", named("me"))
      .get("/files/:id/", show)
      .on(Method::head, "/head", named("its own"))
      .get("/head", named("get"))
      .any("/any", named("any"))
      .post("/any", named("post"))
      .on(Method::options, "/asked", named("options"));
  return std::move(router).build().or_exit();
}

/// A service that hands on to another.
class Routed {
public:
  Routed() : service_(routes()) {}
  void operator()(Exchange& exchange) { service_->begin(exchange); }

private:
  std::shared_ptr<Service> service_;
};

std::string answer(std::string_view method, std::string_view target, std::string_view body = {}) {
  Play play;
  play.serve(Routed());
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
  if (!body.empty()) {
    request.append("content-length: ").append(std::to_string(body.size())).append("\r\n");
  }
  const Actor& client = play.ask(request.append("\r\n").append(body));
  CHECK(play.reports().empty());
  return client.received();
}

std::string body_of(const std::string& text) { return text.substr(text.find("\r\n\r\n") + 4); }

TEST_CASE("router: the most specific pattern answers, and is told what it left open") {
  CHECK(body_of(answer("GET", "/users/7?x=y")) == "7|");
  CHECK(body_of(answer("GET", "/users/me")) == "me");
  CHECK(body_of(answer("GET", "/users/a%2Fb%20c")) == "a/b c|");
  CHECK(body_of(answer("GET", "/files/x/y/z%20")) == "x|y/z%20");
  CHECK(body_of(answer("GET", "/files/x/")) == "x|");
  CHECK(body_of(answer("GET", "/anything/else")) == "home");
  CHECK(body_of(answer("GET", "http://a/users/7")) == "7|");
  CHECK(answer("GET", "/users/%zz").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("router: a method has its own routes, and coroutines have parameters too") {
  CHECK(body_of(answer("PUT", "/users/7", "text")) == "7=text");
  CHECK(body_of(answer("PUT", "/users/me", "text")) == "me=text"); // GET alone has /users/me.
  CHECK(body_of(answer("POST", "/any")) == "post");
  CHECK(body_of(answer("DELETE", "/any")) == "any");
  CHECK(body_of(answer("PROPFIND", "/any")) == "any");
}

TEST_CASE("router: HEAD is answered by GET's handler without its body, unless it has its own") {
  const std::string head = answer("HEAD", "/users/me");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.contains("content-length: 2\r\n"));
  CHECK(body_of(head).empty());
  CHECK(answer("HEAD", "/head").contains("content-length: 7\r\n"));
}

TEST_CASE("router: what other methods have is 405 with Allow, and OPTIONS is told the same") {
  const std::string refused = answer("DELETE", "/users/7");
  CHECK(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(refused.contains("\r\nallow: GET, HEAD, PUT, OPTIONS\r\n"));
  const std::string asked = answer("OPTIONS", "/users/7");
  CHECK(asked.starts_with("HTTP/1.1 204 No Content\r\n"));
  CHECK(asked.contains("\r\nallow: GET, HEAD, PUT, OPTIONS\r\n"));
  CHECK_FALSE(asked.contains("content-length"));
  CHECK(body_of(answer("OPTIONS", "/asked")) == "options");
  CHECK(answer("PROPFIND", "/").starts_with("HTTP/1.1 405 "));
  const std::string all = answer("OPTIONS", "*");
  CHECK(all.starts_with("HTTP/1.1 204 "));
  CHECK(all.contains("allow: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH\r\n"));
}

TEST_CASE("router: a path that nothing matches is 404, for OPTIONS too") {
  Play play;
  play.serve([service = std::shared_ptr<Service>([] {
                Router router;
                router.get("/a", named("a"));
                return std::move(router).build().or_exit();
              }())](Exchange& exchange) { service->begin(exchange); });
  for (const std::string method : {"GET", "OPTIONS", "POST"}) {
    CHECK(play.ask(method + " /b HTTP/1.1\r\nhost: a\r\n\r\n")
              .received()
              .starts_with("HTTP/1.1 404 Not Found\r\n"));
  }
  CHECK(play.ask("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n")
            .received()
            .starts_with("HTTP/1.1 404 "));
}

Error refusal(Router& router) {
  const auto built = std::move(router).build();
  REQUIRE_FALSE(built);
  return built.error();
}

TEST_CASE("router: a malformed pattern is config.bad_route, and told by its number") {
  Router router;
  router.get("/a", named("a")).get("b", named("b"));
  CHECK(refusal(router) == Error{.code = Code::config_bad_route, .detail = 2});
  Router other;
  other.on(Method::other, "/a", named("a"));
  CHECK(refusal(other) == Error{.code = Code::config_bad_route, .detail = 1});
}

TEST_CASE("router: the same route twice is config.route_conflict, and told by its number") {
  Router router;
  router.get("/u/:id", show).put("/u/:name", store).any("/u/:other", show).get("/u/:n", show);
  CHECK(refusal(router) == Error{.code = Code::config_route_conflict, .detail = 4});
  Router other;
  other.any("/a/", named("a")).get("/a/", named("a")).any("/a/", named("b"));
  CHECK(refusal(other) == Error{.code = Code::config_route_conflict, .detail = 3});
}

TEST_CASE("router: a handler that throws is handler.threw, as without a router") {
  Play play;
  play.serve([service = std::shared_ptr<Service>([] {
                Router router;
                router.get("/", [](Exchange&, RouteParameters) { throw 1; });
                return std::move(router).build().or_exit();
              }())](Exchange& exchange) { service->begin(exchange); });
  CHECK(play.ask(get).received().starts_with("HTTP/1.1 500 "));
  CHECK(play.count(Code::handler_threw) == 1);
}

} // namespace
} // namespace ringfort::sim
