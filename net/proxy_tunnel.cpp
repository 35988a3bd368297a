#include "net/proxy_tunnel.hpp"

#include <array>
#include <utility>

#include "http/request_writer.hpp"
#include "net/agent.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

ProxyTunnel::Question::Question(engine::Block place, http::AuthorityCheck& authorities) noexcept
    : block(std::move(place)), arena(block.bytes()), parser(http::Role::client, authorities) {}

ProxyTunnel::ProxyTunnel(Agent& agent, Pool& pool, int descriptor,
                         const engine::SocketAddress& proxy, const OpeningTimes& times) noexcept
    : agent_(agent), pool_(pool), proxy_(proxy), times_(times), since_(agent.shard().now()),
      far_(agent.shard().stream_home(), descriptor, *this, agent.shard().tls_library(),
           agent.proxy_session_for(pool)),
      timer_(this, [](void* self) noexcept { static_cast<ProxyTunnel*>(self)->on_timer(); }),
      released_(this, [](void* self) noexcept {
        auto* const tunnel = static_cast<ProxyTunnel*>(self);
        tunnel->agent_.release(*tunnel);
      }) {}

ProxyTunnel::~ProxyTunnel() { agent_.shard().timers().cancel(timer_); }

void ProxyTunnel::start() noexcept {
  // So that no receive is under way when the socket of a plain proxy is given away.
  if (!far_.encrypted()) far_.stream().receive_singly();
  agent_.shard().timers().arm(timer_, since_ + agent_.options().proxy_timeout);
  far_.stream().start();
  pump();
}

// ---------------------------------------------------------------------------- moving on

void ProxyTunnel::pump() noexcept {
  if (pumping_) return;
  pumping_ = true;
  if (state_ == State::handshake) shake_hands();
  if (state_ == State::asking) read_answer();
  if (state_ == State::relaying) relay();
  pumping_ = false;
  if (opening()) far_.stream().flush();
}

void ProxyTunnel::shake_hands() noexcept {
  if (const auto received = far_.receive(); !received) return fail(received.error());
  if (far_.phase() == Transport::Phase::handshake) {
    if (far_.stream().ended()) fail({.code = Code::proxy_peer_closed});
    return;
  }
  if (const auto asked = ask(); !asked) return fail(asked.error());
  state_ = State::asking;
}

Result<> ProxyTunnel::ask() noexcept {
  ServingShard& shard = agent_.shard();
  engine::Block block = shard.exchange_blocks().try_take();
  if (!block) return ringfort::fail(Code::call_no_blocks);
  Question& question = question_.emplace(std::move(block), shard.authorities());
  question.parser.begin_response(question.arena, shard.parser_limits(), Method::connect);
  const http::RequestHead asked{.method = "CONNECT",
                                .target = pool_.tunnel_target,
                                .authority = pool_.tunnel_target,
                                .proxy_authorization = pool_.destination.proxy->authorization};
  const auto written = http::write_request(shard.scratch(), asked, agent_.authorities());
  if (!written) return std::unexpected(written.error());
  const Bytes head = Bytes(shard.scratch()).first(*written);
  return far_.send({&head, 1});
}

void ProxyTunnel::read_answer() noexcept {
  for (;;) {
    const auto plaintext = far_.receive();
    if (!plaintext) return fail(plaintext.error());
    if (plaintext->empty()) {
      if (far_.ended()) return fail({.code = Code::proxy_peer_closed});
      if (!far_.encrypted()) far_.stream().receive_next(0);
      return;
    }
    const auto opened = take_answer(*plaintext);
    if (!opened) return fail(opened.error());
    if (*opened) return open();
  }
}

Result<bool> ProxyTunnel::take_answer(MutableBytes plaintext) noexcept {
  http::Parser& parser = question_->parser;
  const auto step = parser.parse(plaintext);
  if (!step) return ringfort::fail(Code::proxy_malformed, step.error().detail);
  far_.consume(step->consumed_bytes);
  if (step->event != http::Event::head) return false;
  const int status = parser.status();
  if (status == 407) return ringfort::fail(Code::proxy_unauthorized);
  if (status >= 300) return ringfort::fail(Code::proxy_refused, status);
  if (status >= 200) return true;
  if (status == 101 || ++question_->interim_answers > interim_answers_max) {
    return ringfort::fail(Code::proxy_malformed, status);
  }
  parser.begin_after_interim();
  return false;
}

// ---------------------------------------------------------------------------- the tunnel

/// The server, who is spoken to next, says nothing before it is.
void ProxyTunnel::open() noexcept {
  question_.reset();
  agent_.shard().timers().cancel(timer_);
  times_.proxy = agent_.shard().now() - since_;
  far_.release();
  const auto early = far_.receive();
  const Stream& stream = far_.stream();
  const bool unasked = stream.sending() || stream.queued_bytes() > 0;
  if (!early || !early->empty() || far_.ended() || unasked) {
    return fail({.code = Code::proxy_malformed});
  }
  if (far_.encrypted()) return open_relay();
  state_ = State::stopping;
  agent_.on_tunnel(*this, far_.stream().release_descriptor());
  agent_.shard().loop().defer(released_);
}

void ProxyTunnel::open_relay() noexcept {
  ServingShard& shard = agent_.shard();
  const auto ends = shard.loop().ring().open_pair();
  if (!ends) return fail(ends.error());
  near_.emplace(*this, shard.stream_home(), ends->first);
  unsettled_ = 2;
  relay_.emplace(far_, near_->transport, shard.limits().send_credit_bytes);
  state_ = State::relaying;
  near_->transport.stream().start();
  agent_.on_tunnel(*this, ends->second);
}

/// Whose deadlines are those of the connection that speaks through it, until that has gone.
void ProxyTunnel::relay() noexcept {
  ServingShard& shard = agent_.shard();
  if (!relay_->move()) return stop(true);
  if (relay_->over()) return stop(false);
  if (relay_->ending() && !timer_.armed()) {
    shard.timers().arm(timer_, shard.now() + shard.limits().linger_timeout);
  }
}

// ---------------------------------------------------------------------------- the end

void ProxyTunnel::fail(const Error& error) noexcept {
  if (!opening()) return;
  times_.proxy = agent_.shard().now() - since_;
  Pool& pool = pool_;
  far_.send_close_notify();
  far_.stream().flush();
  stop(false);
  agent_.on_not_opened(pool, error, Phase::proxy, times_);
}

void ProxyTunnel::stop(bool reset) noexcept {
  if (state_ == State::stopping) return;
  state_ = State::stopping;
  agent_.shard().timers().cancel(timer_);
  far_.stop(reset);
  if (near_) near_->transport.stop(reset);
}

void ProxyTunnel::on_timer() noexcept {
  if (opening()) return fail({.code = Code::proxy_timed_out});
  stop(true);
}

// ---------------------------------------------------------------------------- the stream

void ProxyTunnel::on_sent() noexcept {
  if (state_ == State::relaying) pump();
}

bool ProxyTunnel::waits_for_sent() const noexcept { return relay_ && relay_->waits_for_sent(); }

void ProxyTunnel::on_broken(int error_number) noexcept {
  if (opening()) return fail({.code = Code::proxy_peer_closed, .detail = error_number});
  stop(true);
}

void ProxyTunnel::on_settled() noexcept {
  if (--unsettled_ == 0) agent_.shard().loop().defer(released_);
}

} // namespace ringfort::net
