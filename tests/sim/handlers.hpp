// handlers — what the simulated engine serves: each way to read a body and to answer, with counts
// that must come out even.
#pragma once

#include <cstdint>
#include <memory>

#include <ringfort/service.hpp>

#include "tests/sim/prng.hpp"

namespace ringfort::sim {

/// What handlers took and must have given back by the end of a run.
struct HandlerBalance {
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::uint64_t payloads = 0; ///< Payload::owned given to the engine
  std::uint64_t releases = 0;
};

/// Answers by target:
///   /hello        13 bytes, at once            /owned/S/N    N pattern bytes, Payload::owned
///   /echo         the body back, chunked       /forever      static bytes
///   /sink         count and checksum           /source/S/N   N pattern bytes, with a length
///   /early        answers without reading      /chunks/S/N   the same, chunked
///   /throws       throws: 500                  /silent       never answers: 500
/// Borrow: `prng` and `balance` outlive the service.
std::unique_ptr<Service> make_handlers(Prng& prng, HandlerBalance& balance);

inline constexpr std::string_view hello_text = "Hello, World!";
/// A body of static storage duration, larger than one record.
std::string_view forever_text();

} // namespace ringfort::sim
