// A request on its way to a server and its answer on its way back, as coroutines of its handler.
#include "net/gateway_service.hpp"

#include <array>
#include <utility>

#include <ringfort/task.hpp>

#include "net/exchange_state.hpp"
#include "net/gateway_failure.hpp"
#include "net/gateway_shard.hpp"
#include "net/introduction.hpp"
#include "net/onward.hpp"
#include "net/peer_text.hpp"

namespace ringfort::net {

namespace {

/// Of those that take no connection. Each try costs its frames in the exchange's arena.
constexpr unsigned tries_max = 4;

/// A request that is under way at a server.
class Turn {
public:
  Turn(Upstreams& upstreams, std::size_t place) noexcept : upstreams_(upstreams), place_(place) {
    upstreams_.on_begun(place_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { upstreams_.on_ended(place_); }

private:
  Upstreams& upstreams_;
  std::size_t place_;
};

/// How far a request has come.
struct Passage {
  bool begun = false;   ///< its answer
  bool reading = false; ///< its body
  bool client_failed = false;
};

/// The same request for another server. It has no body but one that streams.
Request repeated(const Request& request) noexcept {
  return {.method = request.method,
          .target = request.target,
          .authority = request.authority,
          .fields = request.fields,
          .streams = request.streams,
          .length = request.length,
          .expects_continue = request.expects_continue,
          .upgrade = request.upgrade,
          .tells_interim = request.tells_interim};
}

std::uint64_t hash_for(const Exchange& exchange, const GatewayPlan& plan) noexcept {
  if (plan.options.balance == Balance::target_hash) return hash_of(exchange.head().target);
  if (plan.options.balance != Balance::peer_hash) return 0;
  const Forwarded claims = plan.trusted_proxies.claims(exchange);
  return hash_of(claims.client.empty() ? host_of_peer(exchange.connection().peer) : claims.client);
}

/// What is said of a failure of this hop's own (RFC 9209).
std::string proxy_status(const GatewayPlan& plan, std::string_view type,
                         const std::string& details) {
  return std::string(plan.options.name)
      .append("; error=")
      .append(type)
      .append("; details=\"")
      .append(details)
      .append("\"");
}

/// 502 and its like, with what failed and how far it had come.
void answer_failure(Exchange& exchange, const GatewayPlan& plan, const Error& error, Phase phase) {
  const GatewayFailure failure = gateway_failure(error.code);
  const std::string status = proxy_status(
      plan, failure.type, full_name(fault_of(error.code)).append(" in ").append(name_of(phase)));
  const std::array fields{Field{"proxy-status", status},
                          Field{"content-type", "text/plain; charset=utf-8"}};
  exchange.respond(failure.status, fields,
                   Payload::forever("the server that this one asks did not answer\n"));
}

/// Nobody behind is well.
void answer_nobody(Exchange& exchange, const GatewayPlan& plan) {
  const std::string status =
      proxy_status(plan, "destination_unavailable", "no server is well, or all are drained");
  const Field field{"proxy-status", status};
  exchange.respond(503, {&field, 1});
}

void refuse_method(Exchange& exchange) {
  const std::array fields{Field{"allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}};
  exchange.respond(405, fields);
}

/// What the client sends, as it comes. None of it is read before there is a connection, and before
/// the server wants it, if the client has asked that: reading is what tells the client to send.
Task<Result<>> pass_up(Exchange& exchange, Call& call, Passage& passage) {
  if (auto wanted = co_await call.write(Bytes()); !wanted) co_return wanted;
  if (call.facts().phase >= Phase::response && !passage.begun) co_return Result<>();
  passage.reading = true;
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece) {
      passage.client_failed = piece.error().code != Code::request_stream_left_unread;
      call.abort();
      co_return std::unexpected(piece.error());
    }
    if (piece->empty()) break;
    if (auto written = co_await call.write(*piece); !written) co_return written;
  }
  const auto finished = co_await call.finish(onward_trailers(exchange, exchange.body().trailers()));
  if (!finished) call.abort(); // Whoever waits for the answer would wait for ever.
  co_return finished;
}

/// The answer's head; interim answers before it are passed on. 100 is this hop's own to say.
Task<Result<Response>> final_response(Exchange& exchange, Call& call, const GatewayPlan& plan) {
  for (;;) {
    auto response = co_await call.response();
    if (!response || response->status >= 200 || response->status == 101) co_return response;
    const auto fields = onward_fields(exchange, *response, plan);
    if (fields && response->status != 100) exchange.inform(response->status, *fields);
  }
}

Task<Result<>> pass_body(Exchange& exchange, Call& call, const Response& response,
                         const GatewayPlan& plan, Passage& passage) {
  const auto fields = onward_fields(exchange, response, plan);
  if (!fields) co_return std::unexpected(fields.error());
  passage.begun = true;
  BodyWriter writer = exchange.stream(response.status, *fields, announced_length(response));
  for (;;) {
    const auto piece = co_await call.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    if (auto written = co_await writer.write(*piece); !written) co_return written;
  }
  co_return co_await writer.finish(onward_trailers(exchange, call.trailers()));
}

/// Beside pass_up(), which ends with it.
Task<Result<>> pass_down(Exchange& exchange, Call& call, const GatewayPlan& plan,
                         Passage& passage) {
  const auto response = co_await final_response(exchange, call, plan);
  Result<> passed;
  if (!response) {
    passed = std::unexpected(response.error());
  } else {
    passed = co_await pass_body(exchange, call, *response, plan, passage);
  }
  if (passage.reading) exchange.body().leave();
  co_return passed;
}

Task<Result<>> pass_tunnel_down(Exchange& exchange, Call& call, BodyWriter writer) {
  for (;;) {
    const auto piece = co_await call.read();
    if (!piece) {
      exchange.body().leave();
      co_return std::unexpected(piece.error());
    }
    if (piece->empty()) co_return co_await writer.finish();
    if (auto written = co_await writer.write(*piece); !written) co_return written;
  }
}

Task<Result<>> pass_tunnel(Exchange& exchange, Call& call, const Response& response,
                           const GatewayPlan& plan) {
  const auto fields = onward_fields(exchange, response, plan);
  if (!fields) co_return std::unexpected(fields.error());
  const std::string_view protocol = response.fields.find("upgrade").value_or("");
  BodyWriter writer = exchange.open_tunnel(protocol, *fields);
  Passage passage{.begun = true};
  const auto [up, down] = co_await both(pass_up(exchange, call, passage),
                                        pass_tunnel_down(exchange, call, std::move(writer)));
  if (!up || !down) exchange.abort(); // An end in order would be the server's word for it.
  co_return up ? down : up;
}

/// A body follows the request's head. What the server answers is passed on meanwhile.
Task<Result<>> pass_both(Exchange& exchange, Call& call, const GatewayPlan& plan,
                         Passage& passage) {
  const auto [up, down] =
      co_await both(pass_up(exchange, call, passage), pass_down(exchange, call, plan, passage));
  co_return up || passage.client_failed ? down : up;
}

/// Not of the client: that it vanished, or sent what is none.
bool is_of_server(Code code) noexcept {
  const Stage stage = fault_of(code).stage;
  return stage == Stage::tls_record || stage == Stage::upload || stage == Stage::answer;
}

Call begin_call(Exchange& exchange, GatewayShard& shard, std::size_t place, Request&& request) {
  const Destination& server = shard.upstreams.destination(place);
  const ProxyHeader header = shard.plan.options.header;
  if (header == ProxyHeader::none) {
    return shard.client->call(exchange, server, std::move(request));
  }
  const Destination own = introduced(server, static_cast<ExchangeState&>(exchange), header);
  return shard.client->call(exchange, own, std::move(request));
}

/// Passes a request on, and its answer back, as far as both go.
Task<Result<>> pass(Exchange& exchange, Call& call, const GatewayPlan& plan, Passage& passage,
                    bool streams) {
  if (streams) co_return co_await pass_both(exchange, call, plan, passage);
  const auto response = co_await final_response(exchange, call, plan);
  if (!response) co_return std::unexpected(response.error());
  if (response->status != 101) {
    co_return co_await pass_body(exchange, call, *response, plan, passage);
  }
  passage.begun = true;
  co_return co_await pass_tunnel(exchange, call, *response, plan);
}

Task<> serve(Exchange& exchange, GatewayShard& shard) {
  const Method method = exchange.head().method;
  if (method == Method::connect || method == Method::trace) {
    refuse_method(exchange);
    co_return;
  }
  const auto request = onward_request(exchange, shard.plan);
  if (!request) {
    answer_failure(exchange, shard.plan, request.error(), Phase::pending);
    co_return;
  }
  static_cast<ExchangeState&>(exchange).leave_time_to_calls();
  const std::uint64_t hash = hash_for(exchange, shard.plan);
  UpstreamSet tried = 0;
  for (unsigned tries = 1;; ++tries) {
    const auto chosen = shard.upstreams.choose(tried, hash, shard.shard.now());
    if (!chosen) {
      answer_nobody(exchange, shard.plan);
      co_return;
    }
    const std::size_t place = *chosen;
    tried |= UpstreamSet{1} << place;
    const Turn turn(shard.upstreams, place);
    Passage passage;
    Call call = begin_call(exchange, shard, place, repeated(*request));
    const auto passed = co_await pass(exchange, call, shard.plan, passage, request->streams);
    const Phase reached = call.facts().phase;
    const bool unreached = !passed && takes_no_connection(reached, passed.error().code);
    if (passed || reached >= Phase::upload) shard.upstreams.on_reached(place);
    if (unreached) shard.upstreams.on_failed(place, shard.shard.now());
    // Where the client is gone its failure is what ends the call.
    const bool has_client = !static_cast<ExchangeState&>(exchange).call_refusal();
    if (!passed && has_client && reached >= Phase::upload && is_of_server(passed.error().code)) {
      shard.upstreams.on_unanswered(place);
    }
    // Unfinished, it is cut; what is wrong with the request is answered by its own status.
    if (passed || passage.begun || passage.client_failed) co_return;
    if (unreached && tries < tries_max && shard.upstreams.has_others(tried)) continue;
    answer_failure(exchange, shard.plan, passed.error(), reached);
    co_return;
  }
}

class GatewayService final : public Service {
public:
  GatewayService(GatewayPlan& plan, ServingShard& shard) : shard_(plan, shard) {}

  Result<> start() { return shard_.start(); }

  void begin(Exchange& exchange) noexcept override {
    const auto handler = [this](Exchange& begun) { return serve(begun, shard_); };
    frame::run(exchange, handler);
  }

private:
  GatewayShard shard_;
};

} // namespace

Result<std::unique_ptr<Service>> make_gateway_service(GatewayPlan& plan, ServingShard& shard) {
  auto made = std::make_unique<GatewayService>(plan, shard);
  if (auto started = made->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<Service>(std::move(made));
}

} // namespace ringfort::net
