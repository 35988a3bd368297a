#include "tests/sim/caller.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/pattern.hpp"

namespace ringfort::sim {

namespace {

Request request_of(const Ask& ask, std::string_view target, std::string_view body) {
  Request request{.method = ask.method, .target = target};
  request.streams = ask.streams;
  request.expects_continue = ask.expects_continue;
  if (!ask.streams) {
    request.body = Payload::copied(body);
  } else if (!ask.chunked) {
    request.length = ask.upload_bytes;
  }
  return request;
}

} // namespace

void Caller::leave() {
  last_counts_ = counts();
  client_.reset();
}

// What an errand's work holds goes when that has ended, or if no block was left to start it.
void Caller::run(Shard& shard, std::move_only_function<Task<>(Errand&)> work) {
  ++running_;
  std::shared_ptr<void> presence(this, [](void* self) { --static_cast<Caller*>(self)->running_; });
  (void)shard.run([work = std::move(work), presence = std::move(presence)](Errand& errand) mutable {
    return work(errand);
  });
}

void Caller::start(Shard& shard, const Ask& ask) {
  run(shard, [this, &ask](Errand& errand) { return work(errand, ask); });
}

void Caller::leave_after(Shard& shard, std::chrono::milliseconds time) {
  run(shard, [this, time](Errand& errand) -> Task<> {
    (void)co_await errand.sleep(time); // A drain may end it sooner.
    leave();
  });
}

Task<> Caller::work(Errand& errand, const Ask& ask) {
  if (!co_await errand.sleep(ask.start_after)) co_return;
  Asked& asked = ledger_.asked[ask.number];
  for (bool again = true; again && client_ != nullptr;) {
    ++asked.begun;
    const std::string target = ask.target();
    const std::string body = ask.streams ? "" : pattern(ask.number, 0, ask.upload_bytes);
    Call call = client_->call(errand, ask.destination, request_of(ask, target, body));
    const Result<> result = co_await carry_out(errand, call, ask, asked);
    conclude(call, ask, asked, result);
    // As a client would that sends again what the server may have seen.
    again = asked.error && asked.sent_bytes > 0 && world_.planted(Plant::repeats_call);
    if (again) asked = {};
  }
}

Task<Result<>> Caller::carry_out(Errand& errand, Call& call, const Ask& ask, Asked& asked) {
  if (ask.leave == Leave::at_once) {
    asked.left = true;
    co_return Result<>();
  }
  if (ask.streams) {
    const auto written = co_await write(errand, call, ask, asked);
    if (!written || asked.left) co_return written;
  }
  if (ask.leave == Leave::before_answer) {
    asked.left = true;
    co_return Result<>();
  }
  const auto response = co_await call.response();
  if (!response) co_return std::unexpected(response.error());
  asked.status = response->status;
  asked.left = ask.leave == Leave::at_head;
  if (asked.left) co_return Result<>();
  co_return co_await read(errand, call, ask, asked);
}

Task<Result<>> Caller::write(Errand& errand, Call& call, const Ask& ask, Asked& asked) {
  for (std::size_t sent = 0; sent < ask.upload_bytes;) {
    const auto most = std::min(ask.upload_bytes - sent, ask.piece_bytes_max);
    const std::string piece = pattern(ask.number, sent, world_.prng().between(1, most));
    if (const auto written = co_await call.write(piece); !written) co_return written;
    sent += piece.size();
    if (ask.leave == Leave::in_upload) {
      asked.left = true;
      co_return Result<>();
    }
    if (ask.pause.count() == 0) continue;
    if (const auto slept = co_await errand.sleep(ask.pause); !slept) co_return slept;
  }
  const auto finished = co_await call.finish(end_trailer);
  asked.wrote_all = finished.has_value();
  co_return finished;
}

Task<Result<>> Caller::read(Errand& errand, Call& call, const Ask& ask, Asked& asked) {
  while (true) {
    const Result<Bytes> piece = co_await call.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    const bool due = asked.status == ask.status();
    if (due && pattern(ask.answer_number(), asked.bytes, piece->size()) != text_of(*piece)) {
      asked.wrong = true;
    }
    asked.bytes += piece->size();
    if (ask.leave == Leave::in_body) {
      asked.left = true;
      co_return Result<>();
    }
    if (ask.pause.count() == 0) continue;
    if (const auto slept = co_await errand.sleep(ask.pause); !slept) co_return slept;
  }
  asked.trailer = call.trailers().find("x-trailer").value_or("");
  co_return Result<>();
}

void Caller::conclude(Call& call, const Ask& ask, Asked& asked, const Result<>& result) {
  const CallFacts facts = call.facts();
  ++asked.ended;
  asked.phase = facts.phase;
  asked.sent_bytes = facts.sent_bytes;
  asked.complete = facts.complete;
  if (!result) asked.error = result.error();
  world_.note('q', static_cast<std::int64_t>(ask.number), asked.status);
  world_.note('p', static_cast<std::int64_t>(facts.phase),
              result ? -1 : static_cast<std::int64_t>(result.error().code));
}

} // namespace ringfort::sim
