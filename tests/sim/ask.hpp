// ask — one call of a simulated client: what it is to do, drawn, and what came of it at both ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/client.hpp>

#include "tests/sim/prng.hpp"

namespace ringfort::sim {

/// What the server does with a request.
enum class Manner : std::uint8_t { echo, fixed, early, slow, chunked, hints, refuses, cuts, count };

constexpr std::string_view name_of(Manner manner) noexcept {
  constexpr std::string_view names[] = {"echo",    "fixed", "early",   "slow",
                                        "chunked", "hints", "refuses", "cuts"};
  return names[static_cast<std::size_t>(manner)];
}

/// Where the caller drops its call.
enum class Leave : std::uint8_t { never, at_once, in_upload, before_answer, at_head, in_body };

/// Behind each chunked body.
inline constexpr Field end_trailer[] = {{"x-trailer", "end"}};

/// A body, here as at the server: the pattern of `number`.
struct Ask {
  std::uint64_t number = 0;
  Manner manner = Manner::fixed;
  Destination destination;
  std::string method = "GET";
  bool streams = false;
  bool chunked = false; ///< a streamed body whose length is not said, with a trailer
  bool expects_continue = false;
  std::size_t upload_bytes = 0;
  std::size_t answer_bytes = 0;
  std::size_t piece_bytes_max = 1; ///< of a streamed body
  std::chrono::milliseconds start_after{0};
  std::chrono::milliseconds pause{0}; ///< between two pieces of either body
  Leave leave = Leave::never;

  std::string target() const;
  /// Of an answer that is whole; the answer's own body is the pattern of this number.
  std::uint64_t answer_number() const { return manner == Manner::echo ? number : ~number; }
  std::size_t answer_bytes_whole() const;
  int status() const { return manner == Manner::refuses ? 413 : 200; }
};

/// What the caller knows of it.
struct Asked {
  unsigned begun = 0;
  unsigned ended = 0;
  bool left = false; ///< by the caller, before its end
  bool wrote_all = false;
  bool wrong = false; ///< other bytes came than were to come
  int status = 0;
  std::size_t bytes = 0; ///< of the answer's body
  std::string trailer;
  std::optional<Error> error;
  Phase phase = Phase::pending;
  bool complete = false;
  std::uint64_t sent_bytes = 0;
};

/// What the server knows of it.
struct Heard {
  unsigned begun = 0;
  std::size_t bytes = 0;
  bool whole = false; ///< the body came to its end
  bool wrong = false; ///< other bytes came than were to come
  std::string trailer;
};

/// Both, by the number of the call.
struct Ledger {
  std::map<std::uint64_t, Asked> asked;
  std::map<std::uint64_t, Heard> heard;
};

/// A call to one of `destinations`. In a kind world nobody cuts, refuses or leaves.
Ask draw_ask(Prng& prng, std::uint64_t number, const std::vector<Destination>& destinations,
             bool kind);

} // namespace ringfort::sim
