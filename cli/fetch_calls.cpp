#include "cli/fetch_calls.hpp"

#include <algorithm>

#include "cli/fetch_output.hpp"
#include "cli/redirection.hpp"

namespace ringfort::cli {

namespace {

ExitStatus status_of(const FetchOutcome& outcome) noexcept {
  if (!outcome.complaints.none()) return outcome.complaints.status();
  if (outcome.error) return exit_status_of(*outcome.error, outcome.facts.phase);
  if (outcome.refusal.empty()) return ExitStatus::ok;
  return outcome.response->status < 400 ? ExitStatus::redirected : ExitStatus::bad_status;
}

std::string text_of(const std::optional<Proxy>& proxy) {
  if (!proxy) return {};
  return origin_of({.encrypted = proxy->encrypted, .host = proxy->host, .port = proxy->port});
}

} // namespace

/// Lets a lane go on when its errand ends, in whatever way that does. Not at once: the errand's
/// frame is still there.
class FetchCalls::Ending {
public:
  Ending(FetchCalls& calls, Lane& lane) noexcept : calls_(calls), lane_(lane) {}
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  ~Ending() {
    calls_.engine_.shard(0).post([&calls = calls_, &lane = lane_] { calls.go_on(lane); });
  }

private:
  FetchCalls& calls_;
  Lane& lane_;
};

FetchCalls::FetchCalls(const FetchFlags& flags, const ProxyRules& proxies, const FetchBody& body,
                       Engine& engine, std::unique_ptr<Client> client)
    : flags_(flags), proxies_(proxies), body_(body), engine_(engine), client_(std::move(client)),
      lanes_(std::min(flags.parallel_count, flags.repeat_count)), left_count_(flags.repeat_count),
      lanes_left_(lanes_.size()) {}

void FetchCalls::start() {
  for (Lane& lane : lanes_) go_on(lane);
}

void FetchCalls::go_on(Lane& lane) {
  const bool redirected = std::exchange(lane.redirected, false);
  if (!redirected && left_count_ == 0) return end_lane();
  if (!redirected) {
    --left_count_;
    lane.request = first_request(flags_);
  }
  const bool runs =
      engine_.shard(0).run([this, &lane](Errand& errand) { return work(errand, lane); });
  if (runs) return;
  status_ = complain({.code = Code::call_no_blocks}, flags_.url);
  end_lane();
}

void FetchCalls::end_lane() {
  if (--lanes_left_ > 0) return;
  client_.reset(); // Ends before its shard.
  engine_.drain(std::chrono::milliseconds(0));
}

Task<> FetchCalls::work(Errand& errand, Lane& lane) {
  const Ending ending(*this, lane);
  const FetchRequest request = lane.request; // The lane's is the next one, after a redirection.
  FetchOutcome outcome{.request = request};
  const Destination destination = destination_of(request, flags_, proxies_);
  outcome.proxy = text_of(destination.proxy);
  Call call = ask(*client_, errand, request, flags_, destination, body_);
  const Result<> exchanged = co_await exchange(errand, call, lane, outcome);
  if (!exchanged) outcome.error = exchanged.error();
  if (outcome.failed()) lane.redirected = false;
  outcome.facts = call.facts();
  outcome.trailers = call.trailers();
  report(outcome, flags_);
  if (status_ == ExitStatus::ok) status_ = status_of(outcome);
}

Task<Result<>> FetchCalls::exchange(Errand& errand, Call& call, Lane& lane, FetchOutcome& outcome) {
  if (!outcome.request.sends_body || !body_.streams()) {
    co_return co_await look_at_answer(errand, call, lane, outcome);
  }
  const auto [sent, received] =
      co_await both(send(errand, call, outcome), answer(errand, call, lane, outcome));
  co_return sent || outcome.response ? received : sent;
}

/// What this side cannot read ends the call.
Task<Result<>> FetchCalls::send(Errand& errand, Call& call, FetchOutcome& outcome) {
  const Result<> sent =
      co_await send_body(errand, call, body_, outcome.answered, outcome.complaints);
  if (!outcome.complaints.none()) call.abort();
  outcome.sent = true;
  co_return sent;
}

Task<Result<>> FetchCalls::answer(Errand& errand, Call& call, Lane& lane, FetchOutcome& outcome) {
  const Result<> received = co_await look_at_answer(errand, call, lane, outcome);
  outcome.answered = true;
  if (!outcome.sent) call.abort(); // The rest of the body is for nobody.
  co_return received;
}

Task<Result<>> FetchCalls::look_at_answer(Errand& errand, Call& call, Lane& lane,
                                          FetchOutcome& outcome) {
  const Result<Response> response = co_await call.response();
  if (!response) co_return std::unexpected(response.error());
  outcome.response = *response;
  const CallFacts facts = call.facts();
  if (facts.server.certificates != nullptr) outcome.certificates = *facts.server.certificates;
  Redirection redirection = redirection_of(outcome.request, *response, flags_, body_);
  outcome.refusal = std::move(redirection.refusal);
  lane.redirected = redirection.next.has_value();
  if (lane.redirected) lane.request = std::move(*redirection.next);
  if (flags_.fails && response->status >= 400) {
    outcome.refusal = "the server answered with an error, which --fail calls a failure";
  }
  // What nobody wants to see is not read: the call's end drops it, or its connection.
  if (lane.redirected || !outcome.refusal.empty()) co_return Result<>();
  co_return co_await receive(errand, call, outcome);
}

Task<Result<>> FetchCalls::receive(Errand&, Call& call, FetchOutcome& outcome) {
  FetchOutput output;
  bool taken = output.begin(flags_, *outcome.response, outcome.complaints);
  while (taken) {
    const Result<Bytes> piece = co_await call.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    outcome.body_bytes += piece->size();
    taken = output.write(*piece, outcome.complaints);
  }
  output.finish();
  co_return Result<>();
}

} // namespace ringfort::cli
