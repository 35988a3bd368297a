// fetch_report — what `ringfort fetch` tells of a call: to people, and to programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ringfort/client.hpp>

#include "cli/complaints.hpp"
#include "cli/fetch_flags.hpp"
#include "cli/fetch_request.hpp"

namespace ringfort::cli {

/// How one call went. Borrow: views as long as its Call.
struct FetchOutcome {
  const FetchRequest& request;
  std::optional<Response> response = {};
  Fields trailers = {};
  std::uint64_t body_bytes = 0;
  CallFacts facts = {};
  std::string proxy = {}; ///< "http://192.0.2.1:3128"; empty: there is none
  /// The server's, as of the answer's head.
  std::optional<tls::Diagnosis> certificates = {};
  std::optional<Error> error = {};
  /// Why an answer is none that was wanted.
  std::string refusal = {};
  bool sent = false;     ///< the body that is streamed, as far as that went
  bool answered = false; ///< as far as anybody wants to see it
  /// What of this side failed: said already.
  Complaints complaints = {};

  bool failed() const noexcept { return error || !refusal.empty() || !complaints.none(); }
};

/// Says what the flags ask for: a failure's one line, the tables, the line of JSON.
void report(const FetchOutcome& outcome, const FetchFlags& flags);

} // namespace ringfort::cli
