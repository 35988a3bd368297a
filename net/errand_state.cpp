#include "net/errand_state.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "net/serving_shard.hpp"

namespace ringfort::net {

ErrandState* ErrandState::create(ServingShard& shard, Work work) noexcept {
  engine::Block block = shard.exchange_blocks().try_take();
  if (!block) return nullptr;
  auto* const place = reinterpret_cast<ErrandState*>(block.bytes().data());
  return std::construct_at(place, shard, std::move(block), std::move(work));
}

void ErrandState::destroy(ErrandState& errand) noexcept {
  const engine::Block block = std::move(errand.block_);
  std::destroy_at(&errand);
}

ErrandState::ErrandState(ServingShard& shard, engine::Block block, Work work) noexcept
    : shard_(shard), block_(std::move(block)), arena_(block_.bytes().subspan(sizeof(ErrandState))),
      work_(std::move(work)),
      timer_(this, [](void* self) noexcept { static_cast<ErrandState*>(self)->on_slept(); }) {}

ErrandState::~ErrandState() { shard_.timers().cancel(timer_); }

void ErrandState::start() noexcept {
  try {
    task_ = work_(*this);
    if (!task_) shard_.report({.code = Code::handler_no_memory});
  } catch (...) {
    shard_.report({.code = Code::handler_threw});
  }
  if (!task_) return shard_.end_errand(*this);
  after_it_ran();
}

void ErrandState::cut() noexcept {
  cut_ = cutting_ = true;
  on_slept();
  while (waits_for_calls()) go_on(end_first_call_wait());
  cutting_ = false;
  after_it_ran();
}

void ErrandState::wait_for_time(std::coroutine_handle<> waiting,
                                std::chrono::milliseconds time) noexcept {
  constexpr std::chrono::milliseconds time_max = std::chrono::hours(24);
  RINGFORT_CHECK(!sleeping_); // One await of a kind at a time.
  sleeping_ = waiting;
  shard_.timers().arm(timer_, shard_.now() + std::min(time, time_max));
}

void ErrandState::on_slept() noexcept {
  shard_.timers().cancel(timer_);
  if (sleeping_) go_on(std::exchange(sleeping_, {}));
}

void ErrandState::go_on(std::coroutine_handle<> waited) noexcept {
  waited.resume();
  after_it_ran();
}

std::optional<Error> ErrandState::call_refusal() const noexcept {
  if (!cut_) return std::nullopt;
  return Error{.code = Code::call_ended};
}

void ErrandState::after_it_ran() noexcept {
  if (cutting_ || !task_.done()) return;
  if (task_.threw()) shard_.report({.code = Code::handler_threw});
  shard_.end_errand(*this);
}

} // namespace ringfort::net

// ---------------------------------------------------------------------------- public surface

namespace ringfort {

namespace {

net::ErrandState& state_of(Errand& errand) noexcept {
  return static_cast<net::ErrandState&>(errand);
}

} // namespace

Arena& Errand::arena() noexcept { return state_of(*this).arena(); }
Shard& Errand::shard() noexcept { return state_of(*this).shard(); }
bool Errand::draining() const noexcept {
  return state_of(const_cast<Errand&>(*this)).shard().draining();
}

bool ErrandSleepAwait::await_ready() const noexcept {
  return time_.count() <= 0 || state_of(errand_).call_refusal();
}

void ErrandSleepAwait::await_suspend(std::coroutine_handle<> waiting) noexcept {
  state_of(errand_).wait_for_time(waiting, time_);
}

Result<> ErrandSleepAwait::await_resume() const noexcept {
  if (const auto refusal = state_of(errand_).call_refusal()) return std::unexpected(*refusal);
  return {};
}

namespace frame {

void* allocate(Errand& errand, std::size_t bytes) noexcept {
  return errand.arena().allocate(bytes);
}

} // namespace frame

} // namespace ringfort
