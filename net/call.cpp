// call — the public surface of a request to another server, as calls on its CallState. A call
// without a state found no block to live in.
#include <ringfort/client.hpp>

#include "net/call_state.hpp"

namespace ringfort {

using net::CallState;

Call::~Call() {
  if (state_ != nullptr) state_->abandon();
}

Fields Call::trailers() const noexcept { return state_ == nullptr ? Fields() : state_->trailers(); }

CallWriteAwait Call::write(Bytes piece) noexcept {
  if (state_ != nullptr) state_->begin_write(piece);
  return CallWriteAwait(state_);
}

CallWriteAwait Call::finish(std::span<const Field> trailers) noexcept {
  if (state_ != nullptr) state_->begin_finish(trailers);
  return CallWriteAwait(state_);
}

void Call::abort() noexcept {
  if (state_ != nullptr) state_->abort();
}

CallFacts Call::facts() noexcept { return state_ == nullptr ? CallFacts() : state_->facts(); }

bool ResponseAwait::await_ready() noexcept { return call_ == nullptr || call_->response_ready(); }
void ResponseAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  call_->wait(CallState::Wait::response, waiting);
}
Result<Response> ResponseAwait::await_resume() noexcept {
  if (call_ == nullptr) return fail(Code::call_no_blocks);
  return call_->take_response();
}

bool CallReadAwait::await_ready() noexcept { return call_ == nullptr || call_->try_read(); }
void CallReadAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  call_->wait(CallState::Wait::read, waiting);
}
Result<Bytes> CallReadAwait::await_resume() noexcept {
  if (call_ == nullptr) return fail(Code::call_no_blocks);
  return call_->take_read();
}

bool CallWriteAwait::await_ready() noexcept { return call_ == nullptr || call_->try_write(); }
void CallWriteAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  call_->wait(CallState::Wait::write, waiting);
}
Result<> CallWriteAwait::await_resume() noexcept {
  if (call_ == nullptr) return fail(Code::call_no_blocks);
  return call_->take_write();
}

} // namespace ringfort
