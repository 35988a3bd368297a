// call_world — our client against our servers in one simulated world: drawn from a seed, run to its
// end, judged.
//
// The claim of every run: each call ends once, answered or failed; no request is handled twice; a
// message that passes for whole is the one that was sent; and everything that was taken is given
// back, without a drain too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ringfort/client_tls.hpp>
#include <ringfort/records.hpp>
#include <ringfort/tls.hpp>

#include "tests/sim/ask.hpp"
#include "tests/sim/knobs.hpp"

namespace ringfort::sim {

struct CallWorldOptions {
  std::uint64_t seed = 1;
  /// Serves TLS with this context. Null: clear text.
  const tls::Context* context = nullptr;
  /// Whom the client believes; the other one keeps no sessions. Which of them it has is drawn.
  const tls::ClientContext* trust = nullptr;
  const tls::ClientContext* forgetful = nullptr;
  RecordLayer records = RecordLayer::user;
  /// These calls in a kind world with small sockets, to one server over one connection at a time,
  /// instead of those that the seed draws. Borrow: for the run.
  const std::vector<Ask>* asks = nullptr;
  /// Commits this defect: the verdict must then not be empty.
  Plant plant = Plant::nothing;
};

/// What runs did.
struct CallTally {
  std::uint64_t calls = 0;
  std::uint64_t answered = 0; ///< whole answers
  std::uint64_t failed = 0;
  std::uint64_t reused = 0;
  std::uint64_t retried = 0;
  std::uint64_t resumed = 0;
  std::uint64_t kernel_sides = 0; ///< directions of connections that the kernel took
  std::uint64_t turns = 0;

  void add(const CallTally& other) noexcept;
};

struct CallVerdict {
  std::vector<std::string> findings; ///< empty: all is well
  std::uint64_t trace_hash = 0;
  CallTally tally;
  bool plant_committed = false;

  /// The findings, one a line, below the line that repeats the run.
  std::string text(const CallWorldOptions& options) const;
};

/// Prints what repeats the run when an engine aborts.
CallVerdict run_call_world(const CallWorldOptions& options);

} // namespace ringfort::sim
