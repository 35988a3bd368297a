#include "net/dial.hpp"

#include <cerrno>
#include <utility>

#include "engine/connect_failure.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

Dial::Dial(ServingShard& shard, DialOwner& owner, const Destination& to,
           const DialTimeouts& timeouts) noexcept
    : shard_(shard), owner_(owner), to_(to), timeouts_(timeouts), since_(shard.now()),
      lookup_(this,
              [](void* self, const Result<Addresses>& answer) noexcept {
                static_cast<Dial*>(self)->on_resolved(answer);
              }),
      race_(shard.loop(), *this), released_(this, [](void* self) noexcept {
        auto* const dial = static_cast<Dial*>(self);
        dial->owner_.release(*dial);
      }) {}

void Dial::start() noexcept {
  if (!to_.unix_path.empty()) return start_unix();
  const auto resolver = shard_.resolver();
  if (!resolver) return on_resolved(std::unexpected(resolver.error()));
  const auto answer = (*resolver)->resolve(to_.proxy ? to_.proxy->host : place_host(to_),
                                           to_.proxy ? to_.proxy->port : place_port(to_),
                                           timeouts_.resolve, lookup_);
  if (answer) on_resolved(*answer);
}

void Dial::start_unix() noexcept {
  unix_address_ = engine::UnixAddress::parse(to_.unix_path);
  if (!unix_address_) {
    return on_resolved(std::unexpected(engine::connect_failure(ENAMETOOLONG).error()));
  }
  phase_ = Phase::connect;
  race_.start(*unix_address_, timeouts_.connect);
}

std::chrono::nanoseconds Dial::lap() noexcept {
  const auto now = shard_.now();
  return now - std::exchange(since_, now);
}

void Dial::on_resolved(const Result<Addresses>& answer) noexcept {
  if (phase_ == Phase::connect) return race_.add_rest(answer.value_or(Addresses()));
  times_.resolve = lap();
  if (!answer) {
    shard_.loop().defer(released_);
    return fail(answer.error());
  }
  phase_ = Phase::connect;
  race_.start(*answer, timeouts_.connect, lookup_.under_way());
}

void Dial::on_connected(int descriptor, const engine::SocketAddress& address) noexcept {
  times_.connect = lap();
  told_ = true;
  owner_.on_connected(*this, descriptor, address);
}

void Dial::on_connect_failed(Error error) noexcept {
  times_.connect = lap();
  fail(error);
}

void Dial::fail(const Error& error) noexcept {
  told_ = true;
  owner_.on_failed(*this, error);
}

void Dial::on_race_settled() noexcept {
  cancel_lookup();
  owner_.release(*this);
}

void Dial::cancel_lookup() noexcept {
  if (lookup_.under_way()) (*shard_.resolver())->cancel(lookup_);
}

void Dial::stop() noexcept {
  if (phase_ == Phase::connect) return race_.stop();
  cancel_lookup();
  shard_.loop().defer(released_);
}

} // namespace ringfort::net
