#include "net/connect_race.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <ringfort/check.hpp>

#include "engine/connect_failure.hpp"

namespace ringfort::net {

Addresses interleave_families(const Addresses& addresses) noexcept {
  std::array<Addresses, 2> by_family; // The first address's own, and the other.
  for (const engine::SocketAddress& address : addresses.all()) {
    by_family[address.family() != addresses.all().front().family()].add(address);
  }
  Addresses result;
  for (std::size_t turn = 0; turn < Addresses::of_family_max; ++turn) {
    for (const Addresses& family : by_family) {
      if (turn < family.all().size()) result.add(family.all()[turn]);
    }
  }
  return result;
}

namespace {

/// Of `all` those that are not in `begun`, whose last one's family has had its turn.
Addresses rest_of(const Addresses& all, std::span<const engine::SocketAddress> begun) noexcept {
  Addresses rest;
  for (const bool same_family : {false, true}) {
    for (const engine::SocketAddress& address : all.all()) {
      if ((address.family() == begun.back().family()) != same_family) continue;
      if (std::ranges::find(begun, address) == begun.end()) rest.add(address);
    }
  }
  return interleave_families(rest);
}

} // namespace

ConnectRace::Attempt::Attempt(ConnectRace& owner, std::size_t number, int socket) noexcept
    : race(owner), index(number), descriptor(socket),
      op(owner.leases_, this, [](void* self, engine::Completion completion) noexcept {
        auto* attempt = static_cast<Attempt*>(self);
        attempt->race.on_completion(*attempt, completion);
      }) {}

ConnectRace::ConnectRace(engine::Loop& loop, ConnectRaceOwner& owner) noexcept
    : loop_(loop), owner_(owner),
      delay_timer_(this,
                   [](void* self) noexcept { static_cast<ConnectRace*>(self)->attempt_next(); }),
      deadline_timer_(this,
                      [](void* self) noexcept { static_cast<ConnectRace*>(self)->on_deadline(); }),
      told_(this, [](void* self) noexcept { static_cast<ConnectRace*>(self)->tell(); }) {}

ConnectRace::~ConnectRace() { RINGFORT_CHECK(settled()); }

void ConnectRace::start(const Addresses& addresses, std::chrono::nanoseconds timeout,
                        bool more_follow) noexcept {
  RINGFORT_CHECK(!addresses.empty());
  addresses_ = interleave_families(addresses);
  begin(timeout, more_follow);
  attempt_next();
}

void ConnectRace::add_rest(const Addresses& all) noexcept {
  more_follow_ = false;
  if (state_ != State::racing) return;
  const auto begun = addresses_.all().first(begun_);
  if (!all.empty()) {
    const Addresses rest = rest_of(all, begun);
    addresses_ = Addresses(begun);
    for (const engine::SocketAddress& address : rest.all()) addresses_.add(address);
  }
  if (leases_.none()) return attempt_next();
  if (begun_ < addresses_.all().size()) loop_.timers().arm(delay_timer_, next_attempt_);
}

void ConnectRace::start(const engine::UnixAddress& address,
                        std::chrono::nanoseconds timeout) noexcept {
  addresses_ = {};
  begin(timeout, false);
  const auto descriptor = loop_.ring().open_unix_socket();
  if (!descriptor) {
    note_failure(0, descriptor.error());
    return end(State::failed);
  }
  loop_.ring().connect(attempts_[0].emplace(*this, 0, *descriptor).op, *descriptor, address);
}

void ConnectRace::begin(std::chrono::nanoseconds timeout, bool more_follow) noexcept {
  RINGFORT_CHECK(settled());
  state_ = State::racing;
  more_follow_ = more_follow;
  begun_ = 0;
  loop_.timers().arm(deadline_timer_, loop_.now() + timeout);
}

void ConnectRace::attempt_next() noexcept {
  const std::size_t count = addresses_.all().size();
  while (begun_ < count && !attempt(begun_++)) {}
  next_attempt_ = loop_.now() + attempt_delay;
  if (begun_ < count) {
    loop_.timers().arm(delay_timer_, next_attempt_);
  } else if (leases_.none() && !more_follow_) {
    end(State::failed);
  }
}

bool ConnectRace::attempt(std::size_t index) noexcept {
  const engine::SocketAddress& address = addresses_.all()[index];
  const auto descriptor = loop_.ring().open_socket(address);
  if (!descriptor) {
    note_failure(index, descriptor.error());
    return false;
  }
  Attempt& attempt = attempts_[index].emplace(*this, index, *descriptor);
  loop_.ring().connect(attempt.op, attempt.descriptor, address);
  return true;
}

void ConnectRace::on_completion(Attempt& attempt, engine::Completion completion) noexcept {
  if (state_ == State::racing && completion.result == 0) return win(attempt);
  loop_.ring().close(attempt.descriptor);
  if (state_ == State::racing) {
    loop_.timers().cancel(delay_timer_);
    note_failure(attempt.index, engine::connect_failure(-completion.result).error());
    return attempt_next();
  }
  if (leases_.none()) loop_.defer(told_);
}

void ConnectRace::note_failure(std::size_t index, Error error) noexcept {
  if (index == 0) error_ = error;
}

void ConnectRace::on_deadline() noexcept {
  error_ = engine::connect_failure(ETIMEDOUT).error();
  end(State::failed);
}

void ConnectRace::win(Attempt& attempt) noexcept {
  end(State::over);
  const bool by_address = !addresses_.empty();
  owner_.on_connected(attempt.descriptor,
                      by_address ? addresses_.all()[attempt.index] : engine::SocketAddress());
}

void ConnectRace::stop() noexcept {
  if (state_ == State::racing || state_ == State::failed) end(State::over);
}

// What is told waits for the end of the turn, so that no call of the owner's is under way.
void ConnectRace::end(State state) noexcept {
  state_ = state;
  loop_.timers().cancel(delay_timer_);
  loop_.timers().cancel(deadline_timer_);
  for (auto& attempt : attempts_) {
    if (attempt && attempt->op.armed()) loop_.ring().cancel(attempt->op);
  }
  loop_.defer(told_);
}

void ConnectRace::tell() noexcept {
  if (std::exchange(state_, State::over) == State::failed) owner_.on_connect_failed(error_);
  if (!leases_.none()) return;
  state_ = State::settled;
  owner_.on_race_settled();
}

} // namespace ringfort::net
