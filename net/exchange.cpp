// exchange — the public surface of a request, as calls on its ExchangeState.
#include <ringfort/exchange.hpp>

#include "net/exchange_state.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort {

namespace {

net::ExchangeState& state_of(Exchange& exchange) noexcept {
  return static_cast<net::ExchangeState&>(exchange);
}

const http::Parser& parser_of(const Exchange& exchange) noexcept {
  auto& state = const_cast<net::ExchangeState&>(static_cast<const net::ExchangeState&>(exchange));
  return state.parser();
}

} // namespace

const Head& Exchange::head() const noexcept { return parser_of(*this).head(); }
Fields Exchange::fields() const noexcept { return parser_of(*this).fields(); }
Arena& Exchange::arena() noexcept { return state_of(*this).arena(); }
void Exchange::close_after() noexcept { state_of(*this).close_after(); }
void Exchange::drain_body(std::uint64_t bytes_max) noexcept {
  state_of(*this).drain_body(bytes_max);
}
void Exchange::abort() noexcept { state_of(*this).abort(); }
bool Exchange::draining() const noexcept {
  return static_cast<const net::ExchangeState&>(*this).draining();
}
Waker Exchange::waker() noexcept { return state_of(*this).waker(); }

const ConnectionFacts& Exchange::connection() const noexcept {
  return state_of(const_cast<Exchange&>(*this)).facts(); // Made on first use.
}

void Exchange::respond(int status, std::span<const Field> fields, Payload payload) noexcept {
  state_of(*this).respond(status, fields, std::move(payload));
}

void Exchange::inform(int status, std::span<const Field> fields) noexcept {
  state_of(*this).inform(status, fields);
}

std::string_view Exchange::offered_protocols() const noexcept {
  return static_cast<const net::ExchangeState&>(*this).offered_protocols();
}

BodyWriter Exchange::open_tunnel(std::string_view protocol,
                                 std::span<const Field> fields) noexcept {
  state_of(*this).open_tunnel(protocol, fields);
  return BodyWriter(*this);
}

BodyWriter Exchange::stream(int status, std::span<const Field> fields,
                            std::optional<std::uint64_t> length) noexcept {
  state_of(*this).stream(status, fields, length);
  return BodyWriter(*this);
}

void BodyReader::leave() noexcept { state_of(*exchange_).leave_body(); }

Fields BodyReader::trailers() const noexcept {
  const bool complete = state_of(*exchange_).request_complete();
  return complete ? parser_of(*exchange_).trailers() : Fields();
}

bool ReadAwait::await_ready() noexcept { return state_of(exchange_).try_read(); }
void ReadAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(exchange_).wait_for_read(waiting);
}
Result<Bytes> ReadAwait::await_resume() noexcept { return state_of(exchange_).take_read(); }

WriteAwait BodyWriter::write(Bytes piece) noexcept {
  state_of(*exchange_).begin_write(piece);
  return WriteAwait(*exchange_);
}
WriteAwait BodyWriter::finish(std::span<const Field> trailers) noexcept {
  state_of(*exchange_).begin_finish(trailers);
  return WriteAwait(*exchange_);
}

bool WriteAwait::await_ready() noexcept { return state_of(exchange_).try_write(); }
void WriteAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(exchange_).wait_for_write(waiting);
}
Result<> WriteAwait::await_resume() noexcept { return state_of(exchange_).take_write(); }

bool WakeAwait::await_ready() noexcept { return state_of(exchange_).woken_or_failed(); }
void WakeAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(exchange_).wait_for_wake(waiting);
}
Result<> WakeAwait::await_resume() noexcept { return state_of(exchange_).take_woken(); }

bool SleepAwait::await_ready() noexcept { return state_of(exchange_).slept_or_failed(time_); }
void SleepAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(exchange_).wait_for_time(waiting, time_);
}
Result<> SleepAwait::await_resume() noexcept { return state_of(exchange_).take_slept(); }

bool ReadOrWakeAwait::await_ready() noexcept { return state_of(exchange_).try_read_or_woken(); }
void ReadOrWakeAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(exchange_).wait_for_read_or_wake(waiting);
}
Result<std::optional<Bytes>> ReadOrWakeAwait::await_resume() noexcept {
  return state_of(exchange_).take_read_or_woken();
}

// A shard that has ended takes no job: its exchanges are over.
bool Waker::wake() const noexcept {
  return shard_->post([shard = shard_, connection = connection_, request = request_] {
    static_cast<net::ServingShard*>(shard)->wake_exchange(connection, request);
  });
}

namespace frame {

void* allocate(Exchange& exchange, std::size_t bytes) noexcept {
  return exchange.arena().allocate(bytes);
}

void adopt(Exchange& exchange, Task<> task) noexcept { state_of(exchange).adopt(std::move(task)); }
void threw(Exchange& exchange) noexcept { state_of(exchange).on_threw(); }

} // namespace frame

} // namespace ringfort
