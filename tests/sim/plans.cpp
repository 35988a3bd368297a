#include "tests/sim/plans.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tests/sim/handlers.hpp"
#include "tests/sim/pattern.hpp"

namespace ringfort::sim {

namespace {

enum class Kind : std::uint8_t {
  hello,
  echo,
  sink,
  early,
  throws,
  silent,
  owned,
  forever,
  source,
  chunks,
  head,
  malformed,
  count,
};

std::string hex(std::size_t number) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

/// Small ones mostly, and now and then one that fills every window.
std::size_t draw_bytes(Prng& prng) {
  return prng.chance(100) ? prng.below(100'000) : prng.below(1u << prng.between(1, 13));
}

std::string chunked(Prng& prng, const std::string& body) {
  std::string text;
  for (std::size_t begin = 0; begin < body.size();) {
    const auto most = std::min<std::size_t>(body.size() - begin, 5'000);
    const auto bytes = prng.between(1, most);
    text += hex(bytes) + (prng.chance(100) ? ";name=value\r\n" : "\r\n");
    text += body.substr(begin, bytes) + "\r\n";
    begin += bytes;
  }
  return text + (prng.chance(300) ? "0\r\nx-trailer: end\r\n\r\n" : "0\r\n\r\n");
}

std::string draw_request(Prng& prng, const Errand& errand, const std::string& target,
                         const std::string* body) {
  std::string head = errand.head_only ? "HEAD" : body == nullptr ? "GET" : "POST";
  head += " " + target + (errand.old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  head += "host: sim.test\r\nx-request: " + errand.tag + "\r\n";
  if (prng.chance(200)) head += "x-filler: " + std::string(prng.below(700), 'f') + "\r\n";
  if (errand.closes) head += "connection: close\r\n";
  if (body == nullptr) return head + "\r\n";
  if (!errand.old && prng.chance(500)) {
    return head + "transfer-encoding: chunked\r\n\r\n" + chunked(prng, *body);
  }
  return head + "content-length: " + std::to_string(body->size()) + "\r\n\r\n" + *body;
}

/// What RFC 9112 has a server refuse.
std::string draw_malformed(Prng& prng) {
  constexpr std::string_view requests[] = {
      "GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
      "GET /hello HTTP/1.1\r\n\r\n",
      "GET /hello HTTP/1.1\r\nhost: a\r\nname : value\r\n\r\n",
      "POST /sink HTTP/1.1\r\nhost: a\r\ncontent-length: 1x\r\n\r\n",
      "POST /sink HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
      "POST /sink HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfive\r\n",
  };
  return std::string(requests[prng.below(std::size(requests))]);
}

} // namespace

Errand draw_errand(Prng& prng, const std::string& tag, bool closes) {
  Errand errand;
  errand.old = closes && prng.chance(300);
  errand.tag = tag;
  errand.closes = closes;
  const auto kind = static_cast<Kind>(prng.below(static_cast<std::uint64_t>(Kind::count)));
  const std::uint64_t seed = prng.below(1'000'000);
  const std::size_t bytes = draw_bytes(prng);
  std::string numbers("/");
  numbers.append(std::to_string(seed)).append("/").append(std::to_string(bytes));
  const std::string body = pattern(seed, 0, bytes);
  constexpr std::size_t unread_bytes_max = 40'000; // With chunks well below what is drained.
  std::string unread_body;
  const std::string* request_body = nullptr;
  std::string target = "/hello";
  errand.body = hello_text;
  switch (kind) {
  case Kind::hello: break;
  case Kind::head: errand.head_only = true; break;
  case Kind::echo:
    target = "/echo";
    request_body = &body;
    errand.body = body;
    break;
  case Kind::sink:
    target = "/sink";
    request_body = &body;
    errand.body = std::to_string(bytes) + " " + std::to_string(checksum(checksum_start, body));
    break;
  case Kind::early:
    target = "/early";
    unread_body = body.substr(0, unread_bytes_max);
    request_body = &unread_body;
    break;
  case Kind::throws:
  case Kind::silent:
    target = kind == Kind::throws ? "/throws" : "/silent";
    errand.status = 500;
    break;
  case Kind::owned:
    target = "/owned" + numbers;
    errand.body = body;
    break;
  case Kind::source:
    target = "/source" + numbers;
    errand.body = body;
    break;
  case Kind::chunks:
    target = "/chunks" + numbers;
    errand.body = body;
    break;
  case Kind::forever:
    target = "/forever";
    errand.body = forever_text();
    break;
  case Kind::malformed:
    errand.status = 400;
    errand.request = draw_malformed(prng);
    return errand;
  case Kind::count: break;
  }
  errand.request = draw_request(prng, errand, target, request_body);
  return errand;
}

Plan draw_plan(Prng& prng, unsigned client, std::uint16_t port) {
  Plan plan;
  plan.port = port;
  plan.start = Time(prng.below(50'000'000));
  constexpr Ending endings[] = {Ending::half_closes, Ending::server_closes, Ending::trickles,
                                Ending::resets,      Ending::abandons,      Ending::vanishes};
  // Half of all clients simply do what they came for.
  plan.ending = prng.chance(500) ? Ending::closes : endings[prng.below(std::size(endings))];
  const auto errands = prng.between(1, 5);
  std::size_t request_bytes = 0;
  for (std::uint64_t index = 1; index <= errands; ++index) {
    const std::string tag = std::to_string(client) + "-" + std::to_string(index);
    const bool closes = index == errands && plan.ending == Ending::server_closes;
    plan.errands.push_back(draw_errand(prng, tag, closes));
    request_bytes += plan.errands.back().request.size();
    // The engine ends a connection on which a handler failed.
    if (plan.errands.back().status != 200) break;
  }
  plan.pipeline_depth = prng.between(1, 6);
  plan.write_bytes_max = std::size_t{1} << prng.between(prng.chance(100) ? 0 : 4, 16);
  plan.read_bytes_max = std::size_t{1} << prng.between(4, 16);
  // Slow, but not so slow that a timeout of the engine could pass.
  constexpr std::size_t handshake_bytes = 4'096;
  const auto step_bytes = std::min(plan.write_bytes_max, plan.read_bytes_max);
  const auto steps = std::max<std::uint64_t>((request_bytes + handshake_bytes) / step_bytes, 20);
  plan.pause_max = Time(prng.below(1'000'000'000 / steps));
  plan.cut_bytes = prng.below(2 * request_bytes + 200);
  if (plan.ending == Ending::trickles) {
    plan.cut_bytes = prng.between(10, 60);
    plan.write_bytes_max = 1;
    plan.pause_max = std::chrono::seconds(4);
  }
  return plan;
}

} // namespace ringfort::sim
