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
  head,
  echo,
  sink,
  early,
  throws,
  silent,
  owned,
  forever,
  source,
  chunks,
  malformed,
  // Whose handlers wait.
  sleeps,
  naps,
  woken,
  rings,
  mixed,
  hints,
  late,
  dawdles,
  // Bodies that are not read, or not sent.
  drains,
  closes,
  asks,
  refused,
  // Out of HTTP.
  upgrade,
  connect,
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

std::string head_of(Prng& prng, const Errand& errand, std::string_view method,
                    const std::string& target) {
  std::string head(method);
  head += " " + target + (errand.old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  head += "host: sim.test\r\nx-request: " + errand.tag + "\r\n";
  if (prng.chance(200)) head += "x-filler: " + std::string(prng.below(700), 'f') + "\r\n";
  if (errand.closes) head += "connection: close\r\n";
  return head;
}

void get(Prng& prng, Errand& errand, const std::string& target) {
  errand.request = head_of(prng, errand, errand.head_only ? "HEAD" : "GET", target) + "\r\n";
}

void post(Prng& prng, Errand& errand, const std::string& target, const std::string& body,
          bool expects = false) {
  const bool in_chunks = !errand.old && prng.chance(500);
  errand.request = head_of(prng, errand, "POST", target);
  if (expects) errand.request += "expect: 100-continue\r\n";
  errand.request += in_chunks ? "transfer-encoding: chunked\r\n\r\n"
                              : "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
  errand.rest = in_chunks ? chunked(prng, body) : body;
  if (expects) return;
  errand.request += std::exchange(errand.rest, {});
}

std::string sunk(const std::string& body) {
  return std::to_string(body.size()) + " " + std::to_string(checksum(checksum_start, body));
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

/// What an errand's answer is made of.
struct Matter {
  std::uint64_t seed;
  std::string body;
  std::string numbers; ///< "/S/N", which says the same
};

Matter draw_matter(Prng& prng) {
  const std::uint64_t seed = prng.below(1'000'000);
  const std::size_t bytes = draw_bytes(prng);
  std::string numbers("/");
  numbers.append(std::to_string(seed)).append("/").append(std::to_string(bytes));
  return {.seed = seed, .body = pattern(seed, 0, bytes), .numbers = std::move(numbers)};
}

void draw_plain(Prng& prng, Errand& errand, Kind kind, const Matter& matter) {
  constexpr std::size_t unread_bytes_max = 40'000; // With chunks well below what is drained.
  switch (kind) {
  case Kind::head: errand.head_only = true; return get(prng, errand, "/hello");
  case Kind::echo: errand.body = matter.body; return post(prng, errand, "/echo", matter.body);
  case Kind::sink: errand.body = sunk(matter.body); return post(prng, errand, "/sink", matter.body);
  case Kind::early: return post(prng, errand, "/early", matter.body.substr(0, unread_bytes_max));
  case Kind::throws: errand.status = 500; return get(prng, errand, "/throws");
  case Kind::silent: errand.status = 500; return get(prng, errand, "/silent");
  case Kind::owned: errand.body = matter.body; return get(prng, errand, "/owned" + matter.numbers);
  case Kind::forever: errand.body = forever_text(); return get(prng, errand, "/forever");
  case Kind::source:
    errand.body = matter.body;
    return get(prng, errand, "/source" + matter.numbers);
  case Kind::chunks:
    errand.body = matter.body;
    return get(prng, errand, "/chunks" + matter.numbers);
  case Kind::malformed:
    errand.status = 400;
    errand.request = draw_malformed(prng);
    return;
  default: return get(prng, errand, "/hello");
  }
}

void draw_waiting(Prng& prng, Errand& errand, Kind kind, const Matter& matter) {
  const auto times = prng.between(1, 4);
  const std::string number = "/0/" + std::to_string(times);
  switch (kind) {
  case Kind::sleeps: return get(prng, errand, "/sleeps" + number);
  case Kind::naps: errand.body = matter.body; return get(prng, errand, "/naps" + matter.numbers);
  case Kind::woken: return get(prng, errand, "/woken" + number);
  case Kind::rings: return get(prng, errand, "/rings");
  case Kind::mixed:
    errand.body = sunk(matter.body);
    return post(prng, errand, "/mixed", matter.body);
  case Kind::hints:
    errand.informs = errand.old ? 0 : static_cast<unsigned>(times);
    return get(prng, errand, "/hints" + number);
  case Kind::late: errand.status = 503; return get(prng, errand, "/late");
  default: errand.cut = errand.last = true; return get(prng, errand, "/dawdles");
  }
}

void draw_unread(Prng& prng, Errand& errand, Kind kind, const Matter& matter) {
  constexpr std::size_t drained_bytes_min = 66'000; // More than is drained unasked.
  constexpr std::size_t dropped_bytes_max = 40'000;
  switch (kind) {
  case Kind::drains:
    // A connection that closes anyway is not kept for the rest.
    if (errand.closes)
      return post(prng, errand, "/drains", matter.body.substr(0, dropped_bytes_max));
    return post(prng, errand, "/drains",
                pattern(matter.seed, 0, drained_bytes_min + prng.below(14'000)));
  case Kind::closes:
    errand.last = true;
    return post(prng, errand, "/closes", matter.body.substr(0, dropped_bytes_max));
  case Kind::asks:
    errand.body = sunk(matter.body);
    errand.hasty = prng.chance(300);
    return post(prng, errand, "/sink", matter.body, !errand.old);
  default:
    errand.last = true;
    errand.hasty = prng.chance(300);
    return post(prng, errand, "/early", matter.body.substr(0, dropped_bytes_max), !errand.old);
  }
}

/// A tunnel is the last thing on its connection.
void draw_tunnel(Prng& prng, Errand& errand, Kind kind, const Matter& matter) {
  constexpr Tunnel tunnels[] = {Tunnel::echo, Tunnel::first, Tunnel::leaves};
  constexpr std::string_view modes[] = {"echo", "first", "leaves"};
  const auto which = prng.below(std::size(tunnels));
  errand.old = errand.closes = false;
  errand.tunnel = tunnels[which];
  errand.last = true;
  errand.body = matter.body;
  if (errand.tunnel == Tunnel::echo) errand.said = matter.body;
  if (errand.tunnel == Tunnel::first) errand.said = pattern(matter.seed + 1, 0, prng.below(30'000));
  const std::string mode =
      std::string(modes[which]) + (errand.tunnel == Tunnel::echo ? "" : matter.numbers);
  const bool upgrades = kind == Kind::upgrade;
  errand.status = upgrades ? 101 : 200;
  errand.request = upgrades ? head_of(prng, errand, "GET", "/tunnel") +
                                  "connection: upgrade\r\nupgrade: other, echo\r\n"
                            : head_of(prng, errand, "CONNECT", "sim.test:443");
  errand.request += "x-tunnel: " + mode + "\r\n\r\n";
}

} // namespace

Errand draw_errand(Prng& prng, const std::string& tag, bool closes) {
  Errand errand;
  errand.old = closes && prng.chance(300);
  errand.tag = tag;
  errand.closes = closes;
  errand.body = hello_text;
  const auto kind = static_cast<Kind>(prng.below(static_cast<std::uint64_t>(Kind::count)));
  const Matter matter = draw_matter(prng);
  if (kind < Kind::sleeps) {
    draw_plain(prng, errand, kind, matter);
  } else if (kind < Kind::drains) {
    draw_waiting(prng, errand, kind, matter);
  } else if (kind < Kind::upgrade) {
    draw_unread(prng, errand, kind, matter);
  } else {
    draw_tunnel(prng, errand, kind, matter);
  }
  errand.last = errand.last || errand.status >= 400; // The engine ends what failed.
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
    const Errand& errand = plan.errands.back();
    request_bytes += errand.request.size() + errand.rest.size() + errand.said.size();
    if (errand.last) break;
  }
  // Who reads 100 Continue late, behind other answers, sends its body too late; and the reset that
  // cuts an answer takes those before it along that were not read yet.
  const bool waits = std::ranges::any_of(plan.errands, [](const Errand& errand) {
    return errand.cut || (!errand.rest.empty() && !errand.hasty);
  });
  // A tunnel says itself who ends which direction.
  const bool tunnels = plan.errands.back().tunnel != Tunnel::none;
  if (tunnels && plan.ending < Ending::trickles) plan.ending = Ending::closes;
  plan.pipeline_depth = waits ? 1 : prng.between(1, 6);
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
