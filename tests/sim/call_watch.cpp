#include "tests/sim/call_watch.hpp"

#include <algorithm>

namespace ringfort::sim {

namespace {

/// What a call has reached at least that fails in this way.
Phase least_phase(Code code) noexcept {
  switch (fault_of(code).stage) {
  case Stage::connect: return Phase::connect;
  case Stage::tls_handshake: return Phase::tls;
  case Stage::tls_record:
  case Stage::upload:
  case Stage::answer: return Phase::upload;
  default: return Phase::pending;
  }
}

} // namespace

void CallWatch::find(const std::string& text) {
  constexpr std::size_t kept_max = 10;
  if (findings_.size() == kept_max || std::ranges::find(findings_, text) != findings_.end()) return;
  findings_.push_back(text);
}

void CallWatch::look(const Client& client) {
  const ClientCounts counts = client.counts();
  if (counts.active + counts.idle + counts.opening > options_.connections_max) {
    find("more connections than connections_max");
  }
  for (const DestinationCounts& each : client.destinations()) {
    if (each.active + each.idle + each.opening > options_.connections_per_destination_max) {
      find("more connections than connections_per_destination_max");
    }
    if (each.idle > options_.idle_per_destination_max && each.pending == 0) {
      find("more idle connections than idle_per_destination_max");
    }
  }
  // Who asks while connections are given out is dealt with in the next turn.
  const bool crowded = counts.pending > options_.pending_max + counts.opening + counts.idle;
  crowded_ = crowded ? crowded_ + 1 : 0;
  if (crowded_ > 2) find("more calls wait than pending_max");
}

void CallWatch::judge(const std::vector<Ask>& asks, const Ledger& ledger, bool kind) {
  const auto entry = [](const auto& entries, std::uint64_t number) {
    const auto found = entries.find(number);
    return found == entries.end() ? decltype(found->second)() : found->second;
  };
  for (const Ask& ask : asks) {
    const std::string name = "call " + ask.method + ' ' + ask.target() + ": ";
    const Asked asked = entry(ledger.asked, ask.number);
    const Heard heard = entry(ledger.heard, ask.number);
    judge_heard(ask, asked, heard, name);
    if (asked.ended != asked.begun) find(name + "did not end once");
    if (asked.wrong) find(name + "other bytes came than were sent");
    if (asked.error) judge_failed(asked, heard, name);
    const bool answered = asked.ended == 1 && !asked.error && !asked.left;
    if (answered) judge_answered(ask, asked, heard, name);
    if (kind) judge_kind(ask, asked, name);
  }
}

void CallWatch::judge_heard(const Ask& ask, const Asked& asked, const Heard& heard,
                            const std::string& name) {
  if (heard.begun > asked.begun) {
    find(name + "was made " + std::to_string(asked.begun) + " times and handled " +
         std::to_string(heard.begun) + " times");
  }
  if (heard.begun > 1) find(name + "was handled " + std::to_string(heard.begun) + " times");
  if (heard.wrong || (heard.whole && heard.bytes > ask.upload_bytes)) {
    find(name + "the server got other bytes than were sent");
  }
}

/// Nothing stood in its way.
void CallWatch::judge_kind(const Ask& ask, const Asked& asked, const std::string& name) {
  if (asked.begun == 0) return find(name + "was never made");
  if (asked.error) find(name + explain(*asked.error) + " in " + std::string(name_of(asked.phase)));
  if (asked.status != ask.status()) find(name + "was answered " + std::to_string(asked.status));
}

void CallWatch::judge_answered(const Ask& ask, const Asked& asked, const Heard& heard,
                               const std::string& name) {
  if (heard.begun != 1) find(name + "was answered by nobody");
  if (!asked.complete) find(name + "ended well without an end");
  if (asked.status != ask.status()) return; // The engine's own answer to a trouble it told.
  if (ask.manner == Manner::cuts && ask.method != "HEAD") find(name + "passes for whole");
  if (asked.bytes != ask.answer_bytes_whole()) {
    find(name + std::to_string(asked.bytes) + " bytes came of " +
         std::to_string(ask.answer_bytes_whole()));
  }
  if (heard.whole && heard.bytes != ask.upload_bytes) {
    find(name + "the server got " + std::to_string(heard.bytes) + " bytes as a whole body of " +
         std::to_string(ask.upload_bytes));
  }
  const bool chunked = ask.manner == Manner::chunked || ask.manner == Manner::echo;
  if (chunked && ask.method != "HEAD" && asked.trailer != "end") find(name + "lost its trailer");
  if (heard.whole && ask.chunked && heard.trailer != "end") {
    find(name + "lost the upload's trailer");
  }
}

void CallWatch::judge_failed(const Asked& asked, const Heard& heard, const std::string& name) {
  const Code code = asked.error->code;
  const std::string what = explain(*asked.error) + " in " + std::string(name_of(asked.phase));
  if (asked.phase < least_phase(code)) find(name + "failed before it could: " + what);
  if (asked.phase < Phase::upload && heard.begun > 0) {
    find(name + "was handled, and said not to have been sent: " + what);
  }
  // It may be whole while the request still goes out, or its caller has not read it.
  if (asked.complete && fault_of(code).stage == Stage::answer) {
    find(name + "is whole, and failed: " + what);
  }
}

void CallWatch::judge_end(const Client& client) {
  const ClientCounts counts = client.counts();
  if (counts.active + counts.idle + counts.opening + counts.pending != 0) {
    find("the client holds " + std::to_string(counts.active) + " active, " +
         std::to_string(counts.idle) + " idle, " + std::to_string(counts.opening) + " opening, " +
         std::to_string(counts.pending) + " pending after the drain");
  }
  if (!client.destinations().empty()) find("the client has destinations after the drain");
}

} // namespace ringfort::sim
