#include "net/listener.hpp"

#include <cerrno>

#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

std::unique_ptr<PassthroughRoutes> routes_of(const ListenPlan& plan) {
  if (plan.passthrough().routes.empty()) return nullptr;
  return std::make_unique<PassthroughRoutes>(plan.passthrough(), plan.boards());
}

} // namespace

Listener::Listener(ServingShard& shard, int descriptor, std::unique_ptr<tls::ShardNames> names,
                   std::unique_ptr<Service> service, const ListenPlan& plan)
    : Listener(shard, descriptor, std::move(names), std::move(service), routes_of(plan), plan) {}

Listener::Listener(ServingShard& shard, int descriptor, std::unique_ptr<tls::ShardNames> names,
                   std::unique_ptr<Service> service, std::unique_ptr<PassthroughRoutes> routes,
                   const ListenPlan& plan) noexcept
    : Listener(shard, descriptor, {names.get(), *service, plan, routes.get()}) {
  names_ = std::move(names);
  service_ = std::move(service);
  routes_ = std::move(routes);
}

Listener::Listener(ServingShard& shard, int descriptor, const ServerRole& role) noexcept
    : shard_(shard), descriptor_(descriptor), role_(role),
      accept_op_(leases_, this,
                 [](void* self, engine::Completion completion) noexcept {
                   static_cast<Listener*>(self)->on_accept(completion);
                 }),
      back_off_timer_(this, [](void* self) noexcept { static_cast<Listener*>(self)->start(); }),
      pause_timer_(this, [](void* self) noexcept { static_cast<Listener*>(self)->start(); }) {}

Listener::~Listener() { RINGFORT_CHECK(leases_.none() && stopped()); }

void Listener::start() noexcept {
  if (stopping_ || accept_op_.armed()) return;
  if (back_off_timer_.armed() || pause_timer_.armed()) return;
  shard_.loop().ring().accept(accept_op_, descriptor_);
}

void Listener::stop() noexcept {
  if (stopping_) return;
  stopping_ = true;
  shard_.timers().cancel(back_off_timer_);
  shard_.timers().cancel(pause_timer_);
  if (accept_op_.armed()) shard_.loop().ring().cancel(accept_op_);
  close_when_idle();
}

void Listener::hand_on() noexcept {
  handed_on_ = true;
  stop();
}

// A waiting accept is woken for each connection, and of the processes that wait only one
// (EPOLLEXCLUSIVE): had ours been woken just before it was cancelled, the other would never hear.
void Listener::accept_left_over() noexcept {
  while (shard_.admits()) { // What it would only refuse is the other's to serve.
    const int accepted = shard_.loop().ring().accept_waiting(descriptor_);
    if (accepted < 0) return;
    shard_.admit(role_, accepted);
  }
}

void Listener::close_when_idle() noexcept {
  if (!leases_.none() || descriptor_ < 0) return;
  if (handed_on_) accept_left_over();
  shard_.loop().ring().close(descriptor_);
  descriptor_ = -1;
}

void Listener::on_accept(engine::Completion completion) noexcept {
  if (completion.result >= 0) {
    shard_.admit(role_, completion.result);
  } else if (!stopping_) {
    on_failure(-completion.result);
  }
  if (stopping_) return close_when_idle();
  if (!completion.more()) start();
}

// What is wrong with one peer's connection says nothing about the next one (accept(2)).
void Listener::on_failure(int error_number) noexcept {
  switch (error_number) {
  case ECONNABORTED:
  case EINTR:
  case EAGAIN:
  case EPROTO:
  case ECANCELED: return;
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case ENOBUFS:
    shard_.pipes().close_spare();
    shard_.report({.code = Code::accept_descriptors_spent, .detail = error_number});
    break;
  default: shard_.report({.code = Code::accept_failed, .detail = error_number});
  }
  shard_.timers().arm(back_off_timer_, shard_.now() + back_off);
}

// What the kernel accepted before it hears of it still comes.
void Listener::pause(std::chrono::nanoseconds wait) noexcept {
  if (stopping_ || pause_timer_.armed()) return;
  shard_.timers().arm(pause_timer_, shard_.now() + wait);
  if (accept_op_.armed()) shard_.loop().ring().cancel(accept_op_);
}

void Listener::on_descriptor_freed() noexcept {
  if (!back_off_timer_.armed()) return;
  shard_.timers().cancel(back_off_timer_);
  start();
}

} // namespace ringfort::net
