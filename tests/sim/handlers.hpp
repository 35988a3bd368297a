// handlers — what the simulated engine serves: each way to read a body, to answer and to wait, with
// counts that must come out even.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <ringfort/service.hpp>
#include <ringfort/task.hpp>

#include "tests/sim/bells.hpp"
#include "tests/sim/prng.hpp"

namespace ringfort::sim {

/// What handlers took and must have given back by the end of a run.
struct HandlerBalance {
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::uint64_t payloads = 0; ///< Payload::owned given to the engine
  std::uint64_t releases = 0;
  std::map<std::string, std::string> heard; ///< through tunnels, to their ends: by request
};

/// What handlers share. Borrow: all of it outlives the service.
struct Stage {
  Prng& prng;
  HandlerBalance& balance;
  Bells& bells;
};

/// Answers by target:
///   /hello        13 bytes, at once            /owned/S/N    N pattern bytes, Payload::owned
///   /echo         the body back, chunked       /forever      static bytes
///   /sink         count and checksum           /source/S/N   N pattern bytes, with a length
///   /early        answers without reading      /chunks/S/N   the same, chunked
///   /throws       throws: 500                  /silent       never answers: 500
///   /drains       as /early, and takes more    /closes       as /early, and ends the connection
/// and those of waiting_handlers.cpp.
std::unique_ptr<Service> make_handlers(const Stage& stage);

/// Answers by target, and waits on the way:
///   /sleeps/0/N   N times 10 ms, then hello    /naps/S/N     as /chunks, with pauses
///   /woken/0/N    to be woken N times          /rings        wakes all others, then hello
///   /mixed        as /sink, and is woken       /hints/0/N    N early hints, then hello
///   /late         until handler_timeout: 503   /dawdles      the same, within its answer: a cut
/// and tunnels, as the field x-tunnel says: "echo", "first/S/N", "leaves/S/N".
Task<> wait_and_answer(Exchange& exchange, const Stage& stage);

inline constexpr std::string_view hello_text = "Hello, World!";
/// A body of static storage duration, larger than one record.
std::string_view forever_text();

} // namespace ringfort::sim
