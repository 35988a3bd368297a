#include "net/dial.hpp"

#include <cerrno>
#include <utility>

#include "engine/connect_failure.hpp"
#include "net/agent.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

Dial::Dial(Agent& agent, Pool& pool) noexcept
    : agent_(agent), pool_(pool), since_(agent.shard().now()),
      lookup_(this,
              [](void* self, const Result<Addresses>& answer) noexcept {
                static_cast<Dial*>(self)->on_resolved(answer);
              }),
      race_(agent.shard().loop(), *this), released_(this, [](void* self) noexcept {
        auto* const dial = static_cast<Dial*>(self);
        dial->agent_.release(*dial);
      }) {}

void Dial::start() noexcept {
  const Destination& to = pool_.destination;
  if (!to.unix_path.empty()) return start_unix();
  const auto resolver = agent_.shard().resolver();
  if (!resolver) return on_resolved(std::unexpected(resolver.error()));
  const auto answer = (*resolver)->resolve(to.proxy ? to.proxy->host : place_host(to),
                                           to.proxy ? to.proxy->port : place_port(to),
                                           agent_.options().resolve_timeout, lookup_);
  if (answer) on_resolved(*answer);
}

void Dial::start_unix() noexcept {
  unix_address_ = engine::UnixAddress::parse(pool_.destination.unix_path);
  if (!unix_address_) {
    return on_resolved(std::unexpected(engine::connect_failure(ENAMETOOLONG).error()));
  }
  phase_ = Phase::connect;
  race_.start(*unix_address_, agent_.options().connect_timeout);
}

std::chrono::nanoseconds Dial::lap() noexcept {
  const auto now = agent_.shard().now();
  return now - std::exchange(since_, now);
}

void Dial::on_resolved(const Result<Addresses>& answer) noexcept {
  if (phase_ == Phase::connect) return race_.add_rest(answer.value_or(Addresses()));
  times_.resolve = lap();
  if (!answer) {
    agent_.shard().loop().defer(released_);
    return fail(answer.error());
  }
  phase_ = Phase::connect;
  race_.start(*answer, agent_.options().connect_timeout, lookup_.under_way());
}

void Dial::on_connected(int descriptor, const engine::SocketAddress& address) noexcept {
  times_.connect = lap();
  told_ = true;
  agent_.on_connected(*this, descriptor, address);
}

void Dial::on_connect_failed(Error error) noexcept {
  times_.connect = lap();
  fail(error);
}

void Dial::fail(const Error& error) noexcept {
  told_ = true;
  agent_.on_failed(*this, error);
}

void Dial::on_race_settled() noexcept {
  cancel_lookup();
  agent_.release(*this);
}

void Dial::cancel_lookup() noexcept {
  if (lookup_.under_way()) (*agent_.shard().resolver())->cancel(lookup_);
}

void Dial::stop() noexcept {
  if (phase_ == Phase::connect) return race_.stop();
  cancel_lookup();
  agent_.shard().loop().defer(released_);
}

} // namespace ringfort::net
