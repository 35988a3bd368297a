#include "tests/sim/rehearsals.hpp"

#include <string>
#include <utility>

#include "tests/sim/handlers.hpp"
#include "tests/sim/pattern.hpp"

namespace ringfort::sim {

namespace {

constexpr std::uint64_t pattern_seed = 7;

std::string head(std::string_view request_line, std::string_view tag) {
  return std::string(request_line) +
         " HTTP/1.1\r\nhost: sim.test\r\nx-request: " + std::string(tag) + "\r\n";
}

Errand get(const std::string& tag, const std::string& target, std::string body) {
  return {.tag = tag, .request = head("GET " + target, tag) + "\r\n", .body = std::move(body)};
}

Errand hello(const std::string& tag, const std::string& target = "/hello") {
  return get(tag, target, std::string(hello_text));
}

Errand post(const std::string& tag, const std::string& target, std::size_t bytes) {
  const std::string body = pattern(pattern_seed, 0, bytes);
  return {.tag = tag,
          .request = head("POST " + target, tag) + "content-length: " + std::to_string(bytes) +
                     "\r\n\r\n" + body,
          .body = target == "/echo" ? body
                                    : std::to_string(bytes) + " " +
                                          std::to_string(checksum(checksum_start, body))};
}

Errand asking_post(const std::string& tag, std::size_t bytes) {
  Errand errand = post(tag, "/sink", bytes);
  const std::size_t head_bytes = errand.request.size() - bytes;
  errand.rest = errand.request.substr(head_bytes);
  errand.request.resize(head_bytes - 2);
  errand.request += "expect: 100-continue\r\n\r\n";
  return errand;
}

Errand tunnel(const std::string& tag, Tunnel kind, std::size_t bytes) {
  const std::string body = pattern(pattern_seed, 0, bytes);
  const std::string numbers = "/7/" + std::to_string(bytes);
  Errand errand{.tag = tag, .status = 101, .body = body, .last = true, .tunnel = kind};
  if (kind != Tunnel::leaves) errand.said = body;
  const std::string mode = kind == Tunnel::echo    ? "echo"
                           : kind == Tunnel::first ? "first" + numbers
                                                   : "leaves" + numbers;
  errand.request = head("GET /tunnel", tag) +
                   "connection: upgrade\r\nupgrade: echo\r\nx-tunnel: " + mode + "\r\n\r\n";
  return errand;
}

Plan plan(std::vector<Errand> errands, Ending ending = Ending::closes) {
  return {.errands = std::move(errands),
          .write_bytes_max = 3'000,
          .read_bytes_max = 9'000,
          .ending = ending};
}

} // namespace

std::vector<Rehearsal> make_rehearsals() {
  const std::string body = pattern(pattern_seed, 0, 40'000);
  const std::vector<Plan> exchange = {plan({hello("1-1"), post("1-2", "/echo", 9'000)})};
  return {
      {.name = "two requests", .plans = {plan({hello("1-1"), hello("1-2")})}},
      {.name = "a body back", .plans = {plan({post("1-1", "/echo", 20'000)}, Ending::half_closes)}},
      {.name = "a source in chunks", .plans = {plan({get("1-1", "/chunks/7/40000", body)})}},
      {.name = "an owned payload", .plans = {plan({get("1-1", "/owned/7/40000", body)})}},
      {.name = "a body that is asked for", .plans = {plan({asking_post("1-1", 6'000)})}},
      {.name = "waits",
       .plans = {plan({hello("1-1", "/woken/0/2"), post("1-2", "/mixed", 9'000)}),
                 plan({hello("2-1", "/sleeps/0/2"), hello("2-2", "/rings")})}},
      {.name = "a tunnel", .plans = {plan({tunnel("1-1", Tunnel::echo, 20'000)})}},
      {.name = "a tunnel that the server ends first",
       .plans = {plan({tunnel("1-1", Tunnel::first, 9'000)})}},
      {.name = "TLS", .plans = exchange, .encrypted = true},
      {.name = "a tunnel over TLS",
       .plans = {plan({tunnel("1-1", Tunnel::first, 9'000)})},
       .encrypted = true},
      {.name = "records in the kernel's hands",
       .plans = exchange,
       .encrypted = true,
       .records = RecordLayer::kernel},
      {.name = "a drain",
       .plans = {plan({get("1-1", "/naps/7/40000", body), hello("1-2")}),
                 plan({hello("2-1", "/sleeps/0/9")}), plan({hello("3-1"), hello("3-2")})},
       .drain_after = std::chrono::milliseconds(20)},
  };
}

} // namespace ringfort::sim
