#include "net/call_state.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "http/request_writer.hpp"
#include "http/upgrade.hpp"
#include "net/agent.hpp"
#include "net/client_connection.hpp"
#include "net/connection_deadlines.hpp"
#include "net/peer_text.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

using http::BodyFraming;
using http::CycleEvent;
using http::Side;

namespace {

/// Of its connection, which says so to the server.
bool is_only_call(const ClientOptions& options) noexcept {
  return options.calls_per_connection_max == 1;
}

} // namespace

CallState* CallState::create(Agent& agent, CallWaiter& waiter) noexcept {
  engine::Block block = agent.shard().exchange_blocks().try_take();
  if (!block) return nullptr;
  auto* const place = reinterpret_cast<CallState*>(block.bytes().data());
  return std::construct_at(place, agent, waiter, std::move(block));
}

void CallState::destroy() noexcept {
  const engine::Block block = std::move(block_);
  std::destroy_at(this);
}

CallState::CallState(Agent& agent, CallWaiter& waiter, engine::Block block) noexcept
    : agent_(agent), waiter_(&waiter), block_(std::move(block)),
      arena_(block_.bytes().subspan(sizeof(CallState))),
      parser_(http::Role::client, agent.shard().authorities()), phase_since_(agent.shard().now()),
      pending_until_(ConnectionDeadlines::never), ends_at_(ConnectionDeadlines::never),
      timer_(this, [](void* self) noexcept { static_cast<CallState*>(self)->on_timer(); }) {
  agent.count_call(1);
  const auto timeout = agent.options().call_timeout;
  if (timeout.count() > 0) ends_at_ = phase_since_ + timeout;
  arm_timer();
}

CallState::~CallState() {
  agent_.count_call(-1);
  agent_.shard().timers().cancel(timer_);
  release_payload();
  if (held_buffer_) agent_.shard().receive_buffers().release(*held_buffer_);
}

// ---------------------------------------------------------------------------- what is asked

Result<> CallState::prepare(Pool& pool, Request&& request) noexcept {
  pool_ = &pool;
  body_ = request.body.bytes();
  if (request.body.is_owned()) payload_release_ = request.body.take_release();
  if (auto written = write_head(request); !written) return written;
  if (request.body.is_copied()) {
    if (auto kept = keep(body_, body_); !kept) return kept;
  }
  if (auto kept = keep_name(); !kept) return kept;
  if (auto kept = keep(offered_, request.upgrade); !kept) return kept;
  parser_.begin_response(arena_, agent_.shard().parser_limits(), method_);
  return {};
}

Result<> CallState::write_head(const Request& request) noexcept {
  const bool connects = request.method == "CONNECT";
  const bool switches = connects || !request.upgrade.empty();
  if (switches && (request.streams || (connects && !body_.empty()))) {
    return ringfort::fail(Code::call_bad_request);
  }
  streams_ = request.streams;
  expects_continue_ = streams_ && request.expects_continue;
  tells_interim_ = request.tells_interim;
  method_ = connects ? Method::connect : request.method == "HEAD" ? Method::head : Method::other;
  framing_ = streams_ && !request.length ? BodyFraming::chunked : BodyFraming::length;
  if (!streams_ && body_.empty()) framing_ = BodyFraming::none;
  length_left_ = streams_ ? request.length.value_or(0) : body_.size();
  ServingShard& shard = agent_.shard();
  const http::RequestHead head{
      .method = request.method,
      .target = request.target,
      .root = pool_->relays() && !connects ? std::string_view(pool_->root) : "",
      .authority = request.authority.empty() ? pool_->authority : request.authority,
      .fields = request.fields,
      .fields_vouched = waiter_->vouches_for(request.fields),
      .framing = framing_,
      .content_length = length_left_,
      .expects_continue = expects_continue_,
      .closes = is_only_call(agent_.options()),
      .upgrade = request.upgrade,
      .proxy_authorization =
          pool_->relays() ? std::string_view(pool_->destination.proxy->authorization) : "",
  };
  const auto written = http::write_request(shard.scratch(), head, agent_.authorities());
  if (!written) return std::unexpected(written.error());
  return keep(head_, shard.scratch().first(*written));
}

/// In the arena.
Result<> CallState::keep(Bytes& kept, Bytes bytes) noexcept {
  const auto copy = arena_.copy(bytes);
  if (!copy) return ringfort::fail(Code::call_no_blocks);
  kept = *copy;
  return {};
}

Result<> CallState::keep(std::string_view& kept, std::string_view text) noexcept {
  Bytes bytes;
  if (auto copied = keep(bytes, bytes_of(text)); !copied) return copied;
  kept = text_of(bytes);
  return {};
}

Result<> CallState::keep_name() noexcept {
  if (!pool_->destination.encrypted) return {};
  return keep(server_name_, pool_->server_name.proved);
}

/// Empty when the arena has no room.
std::string_view CallState::peer_name(ClientConnection& connection) noexcept {
  const std::string& path = pool_->destination.unix_path;
  if (path.empty()) return arena_.copy(connection.peer_text()).value_or("");
  constexpr std::string_view kind = "unix:";
  std::array<char, kind.size() + engine::UnixAddress::name_bytes_max> room;
  char* const end = std::ranges::copy(path, std::ranges::copy(kind, room.begin()).out).out;
  return arena_.copy(std::string_view(room.begin(), end)).value_or("");
}

// ---------------------------------------------------------------------------- waiting for a turn

void CallState::enter(Phase phase) noexcept {
  const auto now = agent_.shard().now();
  phases_[static_cast<std::size_t>(phase_)] += now - phase_since_;
  phase_ = phase;
  phase_since_ = now;
}

void CallState::add_times(const OpeningTimes& times) noexcept {
  enter(phase_);
  add_time(Phase::resolve, times.resolve);
  add_time(Phase::connect, times.connect);
  add_time(Phase::proxy, times.proxy);
  add_time(Phase::tls, times.tls);
}

void CallState::add_time(Phase phase, std::chrono::nanoseconds time) noexcept {
  auto& pending = phases_[static_cast<std::size_t>(Phase::pending)];
  phases_[static_cast<std::size_t>(phase)] += time;
  pending -= std::min(pending, time); // It waited while the connection was being made.
}

void CallState::wait_at_most(std::chrono::milliseconds time) noexcept {
  if (pending_until_ != ConnectionDeadlines::never) return;
  pending_until_ = agent_.shard().now() + time;
  arm_timer();
}

void CallState::arm_timer() noexcept {
  const auto next = std::min(pending_until_, ends_at_);
  agent_.shard().timers().cancel(timer_);
  if (next != ConnectionDeadlines::never) agent_.shard().timers().arm(timer_, next);
}

void CallState::on_timer() noexcept {
  const auto now = agent_.shard().now();
  const bool ends = now >= ends_at_;
  if (!ends && now < pending_until_) return arm_timer();
  agent_.give_up(*this, {.code = ends ? Code::call_timed_out : Code::call_queue_timed_out});
}

// ---------------------------------------------------------------------------- the answer comes in

void CallState::hold_buffer(std::uint16_t id) noexcept {
  agent_.shard().receive_buffers().hold(id);
  held_buffer_ = id;
}

void CallState::on_head(bool last) noexcept {
  const int status = parser_.status();
  const bool held = upload_held(); // The answer came instead of a word that the body is wanted.
  if (status == 100 || status >= 200) continued_ = true;
  if (status < 200 && status != 101) {
    const bool told = tells_interim_ && !abandoned_;
    if (!told) parser_.begin_after_interim();
    if (told) interim_ = Interim::untaken;
    if (!told) return on_room();
    const bool wrote = waits(Wait::write) && try_write();
    if (!waits(Wait::write)) send_more();
    return wrote ? tell({Wait::response, Wait::write}) : tell({Wait::response});
  }
  enter(Phase::response);
  head_done_ = true;
  cycle_.on(Side::response, last ? CycleEvent::head_only : CycleEvent::head);
  if (opens_tunnel()) {
    streams_ = tunnel_ = true;
    framing_ = BodyFraming::none;
    return tell({Wait::response});
  }
  // Close as we asked for it says nothing of the body, unless the status does.
  const bool closes =
      !parser_.keep_alive() && (!is_only_call(agent_.options()) || parser_.status() >= 300);
  const bool unwanted = held || closes;
  if (unwanted && !request_complete()) {
    upload_dropped_ = true;
    body_rest_ = {};
  }
  if (upload_dropped_) return tell({Wait::response, Wait::write});
  tell({Wait::response});
}

bool CallState::refuses_switch() const noexcept {
  if (parser_.status() != 101) return false;
  const auto chosen = parser_.fields().find("upgrade");
  return !chosen || !http::offers(offered_, *chosen) || !request_complete();
}

bool CallState::opens_tunnel() const noexcept {
  const int status = parser_.status();
  return status == 101 || (method_ == Method::connect && status < 300);
}

void CallState::on_piece(Bytes piece, bool last) noexcept {
  if (last) cycle_.on(Side::response, CycleEvent::complete);
  if (abandoned_) return;
  has_piece_ = true;
  piece_ = piece;
  tell({Wait::read});
}

void CallState::on_end() noexcept {
  if (tunnel_) tunnel_ended_ = true;
  if (!tunnel_) cycle_.on(Side::response, CycleEvent::complete);
  tell({Wait::read});
}

bool CallState::wants_more() const noexcept {
  if (at_interim()) return false;
  if (!head_done_ || abandoned_) return !response_complete();
  return (reading_ || waits(Wait::read)) && !has_piece_ && !response_complete();
}

bool CallState::can_start_anew() const noexcept {
  const Stream& stream = connection_->transport().stream();
  return reused_ && !head_done_ && !taken_ && !abandoned_ && parser_.idle() && !stream.sending() &&
         stream.sent_bytes() == sent_before_bytes_;
}

void CallState::start_anew() noexcept {
  connection_ = nullptr;
  anew_ = true;
  reused_ = false;
  upload_dropped_ = false;
  cycle_ = {};
  peer_ = {};
  server_ = {};
  enter(Phase::pending);
}

// ---------------------------------------------------------------------------- the end

/// Its connection knows it no longer.
void CallState::let_go() noexcept {
  if (connection_ != nullptr) {
    const Stream& stream = connection_->transport().stream();
    sent_bytes_ = stream.sent_bytes() - sent_before_bytes_;
    received_bytes_ = stream.received_bytes() - received_before_bytes_;
    server_.certificates = nullptr; // They are the connection's.
    connection_ = nullptr;
  }
  over_ = true;
  upload_dropped_ = true;
  enter(phase_);
  pending_until_ = ends_at_ = ConnectionDeadlines::never;
  arm_timer();
  release_payload();
}

void CallState::on_released() noexcept {
  let_go();
  enter(Phase::done);
  if (abandoned_) return destroy();
  tell({Wait::write}); // What it still has to send is for nobody.
}

void CallState::fail(const Error& error) noexcept {
  let_go();
  failure_ = error;
  if (abandoned_) return destroy();
  tell({Wait::response, Wait::read, Wait::write});
}

void CallState::abort() noexcept {
  const Error error{.code = Code::call_ended};
  if (over_) return;
  if (connection_ != nullptr) return connection_->fail_soon(error);
  agent_.give_up(*this, error);
}

void CallState::abandon() noexcept {
  abandoned_ = true;
  for (CallWait& wait : waits_) waiter_->end_call_wait(wait);
  waiter_ = nullptr;
  if (over_) return destroy();
  if (connection_ != nullptr) return connection_->on_abandoned();
  agent_.give_up(*this, {.code = Code::call_ended});
}

/// Goes on with who waits for these. It may be the end of this call, at the earliest with the last.
void CallState::tell(std::initializer_list<Wait> reasons) noexcept {
  if (abandoned_) return;
  CallWaiter& waiter = *waiter_;
  std::array<std::coroutine_handle<>, std::tuple_size_v<decltype(waits_)>> waited;
  auto next = waited.begin();
  for (const Wait reason : reasons) {
    *next++ = waiter.end_call_wait(waits_[static_cast<std::size_t>(reason)]);
  }
  for (const auto coroutine : waited) {
    if (coroutine) waiter.go_on(coroutine);
  }
}

void CallState::wait(Wait reason, std::coroutine_handle<> waiting) noexcept {
  waiter_->begin_call_wait(waits_[static_cast<std::size_t>(reason)], waiting);
  if (reason == Wait::read && connection_ != nullptr) connection_->on_awaited();
}

std::optional<Error> CallState::refusal() const noexcept {
  return failure_ ? failure_ : waiter_->call_refusal();
}

bool CallState::response_ready() noexcept {
  if (interim_ == Interim::taken && connection_ != nullptr) {
    interim_ = Interim::none;
    parser_.begin_after_interim();
    connection_->pump_soon();
  }
  return interim_ == Interim::untaken || head_done_ || refusal();
}

Result<Response> CallState::take_response() noexcept {
  if (interim_ == Interim::untaken) {
    interim_ = Interim::taken;
    return Response{.status = parser_.status(),
                    .fields = parser_.fields(),
                    .version_minor = parser_.head().version_minor};
  }
  if (!head_done_) return std::unexpected(*refusal());
  Response response{.status = parser_.status(),
                    .fields = parser_.fields(),
                    .version_minor = parser_.head().version_minor};
  if (parser_.framing() == BodyFraming::length) response.length = parser_.content_length();
  return response;
}

bool CallState::try_read() noexcept {
  has_piece_ = false;
  piece_ = {};
  if (over_ || refusal()) return true;
  if (connection_ != nullptr && !response_complete()) {
    reading_ = true; // What is found is meant for this call.
    connection_->read_more();
    reading_ = false;
  }
  return has_piece_ || failure_ || response_complete();
}

// The end gives the connection back.
Result<Bytes> CallState::take_read() noexcept {
  if (has_piece_) return piece_;
  if (!response_complete()) return std::unexpected(*refusal());
  if (connection_ != nullptr && !tunnel_) connection_->release_call();
  if (connection_ != nullptr) connection_->pump_soon();
  return Bytes{};
}

Fields CallState::trailers() const noexcept {
  return response_complete() ? parser_.trailers() : Fields();
}

CallFacts CallState::facts() noexcept {
  CallFacts facts{.phase = phase_,
                  .reused = reused_,
                  .complete = response_complete() && parser_.framing() != BodyFraming::until_close,
                  .peer = peer_,
                  .server_name = server_name_,
                  .sent_bytes = sent_bytes_,
                  .received_bytes = received_bytes_,
                  .server = server_};
  if (connection_ != nullptr) {
    const Stream& stream = connection_->transport().stream();
    facts.sent_bytes = stream.sent_bytes() - sent_before_bytes_;
    facts.received_bytes = stream.received_bytes() - received_before_bytes_;
  }
  std::ranges::copy(std::span(phases_).first<phase_count>(), facts.phases);
  return facts;
}

} // namespace ringfort::net
