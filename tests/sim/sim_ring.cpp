#include "tests/sim/sim_ring.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <ringfort/check.hpp>

#include "engine/connect_failure.hpp"
#include "tests/sim/splice.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::engine {

using sim::World;
using Descriptor = World::Descriptor;

// ---------------------------------------------------------------------------- making

Result<std::unique_ptr<SimRing>> SimRing::create(const RingOptions& options) noexcept {
  World* world = World::current();
  RINGFORT_CHECK(world != nullptr);
  if (world->knobs().create_error) return fail(*world->knobs().create_error);
  return std::unique_ptr<SimRing>(new SimRing(*world, options)); // Private to make_unique.
}

SimRing::SimRing(World& world, const RingOptions& options)
    : world_(world), submission_entries_(std::min(options.submission_entries,
                                                  world.knobs().submission_entries_max)),
      memory_(std::size_t{options.buffer_count} * options.buffer_bytes, poison),
      buffer_bytes_(options.buffer_bytes), holders_(options.buffer_count, Holder::kernel),
      buffers_available_(options.buffer_count) {
  features_ = {.version_major = 6,
               .version_minor = world.knobs().receive_cap ? 18u : 1u,
               .no_sqarray = world.knobs().receive_cap,
               .defer_taskrun = true,
               .huge_ring = false,
               .receive_cap = world.knobs().receive_cap,
               .socket_options = world.knobs().record_chain,
               .registered_ring = true};
  for (std::uint32_t id = 0; id < options.buffer_count; ++id) {
    kernel_buffers_.push_back(static_cast<std::uint16_t>(id));
  }
}

SimRing::~SimRing() {
  // A cancel of what has ended meanwhile harms nobody.
  const auto queued = std::ranges::count_if(
      submissions_, [](const Request& request) { return request.kind != Kind::cancel; });
  if (!held_.empty() || queued > 0) {
    world_.violate("the ring went away with " + std::to_string(held_.size()) +
                   " operations armed and " + std::to_string(queued) + " queued");
  }
  for (std::size_t id = 0; id < holders_.size(); ++id) {
    if (holders_[id] != Holder::host) continue;
    world_.violate("receive buffer " + std::to_string(id) + " was never returned");
  }
}

Result<> SimRing::start() noexcept {
  if (std::exchange(started_, true)) world_.violate("the ring was started twice");
  ++counters_.submissions; // The read that wake() completes.
  return {};
}

std::chrono::nanoseconds SimRing::now() const noexcept { return world_.now(); }
std::int64_t SimRing::unix_seconds() const noexcept { return world_.unix_seconds(); }

// ---------------------------------------------------------------------------- sockets

Result<int> SimRing::listen(const SocketAddress& address, int) noexcept {
  SocketAddress bound = address;
  if (address.port() == 0) {
    bound = *SocketAddress::parse(address.host(), world_.free_port());
  }
  const int descriptor = world_.open(Descriptor::Kind::listener);
  if (descriptor < 0) return fail(Code::listen_failed, -descriptor);
  world_.find(descriptor, "listen")->address = bound;
  return descriptor;
}

Result<int> SimRing::adopt_listener(int) noexcept { return fail(Code::listen_not_a_socket, EBADF); }

int SimRing::accept_waiting(int listener) noexcept {
  const Descriptor* const found = world_.find(listener, "accept");
  return found == nullptr || found->backlog.empty() ? -1 : take_from_backlog(listener);
}

Result<> SimRing::check_free(const SocketAddress& address) noexcept {
  if (world_.listens(address)) return fail(Code::listen_address_in_use, EADDRINUSE);
  return {};
}

Result<int> SimRing::open_socket(const SocketAddress&) noexcept {
  const int descriptor = world_.open(Descriptor::Kind::connection);
  if (descriptor < 0) return connect_failure(-descriptor);
  return descriptor;
}

Result<int> SimRing::open_unix_socket() noexcept { return connect_failure(EAFNOSUPPORT); }

Result<std::pair<int, int>> SimRing::open_pair() noexcept { return connect_failure(EAFNOSUPPORT); }

SocketAddress SimRing::bound_address(int descriptor) noexcept {
  const Descriptor* found = world_.find(descriptor, "bound_address");
  return found == nullptr ? SocketAddress() : found->address;
}

SocketAddress SimRing::peer_address(int descriptor) noexcept {
  const Descriptor* found = world_.find(descriptor, "peer_address");
  return found == nullptr || found->link == nullptr ? SocketAddress() : found->link->address();
}

void SimRing::shutdown_write(int descriptor) noexcept {
  Descriptor* found = world_.find(descriptor, "shutdown_write");
  if (found == nullptr || found->link == nullptr) return;
  for (const auto& request : held_) {
    if (request->kind != Kind::send || request->descriptor != descriptor) continue;
    world_.violate("shutdown_write with a send in flight");
  }
  found->link->server_finish();
  world_.note('F', descriptor, 0);
}

void SimRing::close(int descriptor) noexcept {
  Descriptor* found = world_.find(descriptor, "close");
  if (found == nullptr) return;
  if (found->link != nullptr) found->link->server_close();
  forget(*found, descriptor);
  world_.note('C', descriptor, 0);
}

void SimRing::reset(int descriptor) noexcept {
  Descriptor* found = world_.find(descriptor, "reset");
  if (found == nullptr) return;
  if (found->link != nullptr) found->link->server_abort();
  forget(*found, descriptor);
  world_.note('X', descriptor, 0);
}

void SimRing::forget(Descriptor& found, int descriptor) {
  if (found.link == nullptr && found.splice != nullptr) found.splice->give_up();
  world_.close(descriptor);
}

// ---------------------------------------------------------------------------- submitting

SimRing::Request& SimRing::queue(Kind kind, int descriptor, std::uint64_t user_data) {
  if (!started_) world_.violate("an operation before start()");
  if (submissions_.size() == submission_entries_) {
    ++counters_.enters;
    flush();
  }
  ++counters_.submissions;
  Request& request = submissions_.emplace_back();
  request.kind = kind;
  request.descriptor = descriptor;
  request.user_data = user_data;
  return request;
}

void SimRing::accept(Op& op, int listener) noexcept {
  require_alone(Kind::accept, listener);
  queue(Kind::accept, listener, op.arm());
}

void SimRing::connect(Op& op, int descriptor, const SocketAddress& address) noexcept {
  require_alone(Kind::connect, descriptor);
  Request& request = queue(Kind::connect, descriptor, op.arm());
  request.address = &address;
  request.address_as_given = address;
}

void SimRing::connect(Op&, int, const UnixAddress&) noexcept {
  world_.violate("a unix socket that was never opened is connected");
}

void SimRing::poll(Op& op, int descriptor, std::uint32_t) noexcept {
  require_alone(Kind::poll, descriptor);
  queue(Kind::poll, descriptor, op.arm());
}

void SimRing::receive(Op& op, int descriptor, ReceiveArm arm) noexcept {
  require_alone(Kind::receive, descriptor);
  queue(Kind::receive, descriptor, op.arm()).arm = arm;
  ++counters_.receives;
}

void SimRing::send(Op& op, int descriptor, Bytes bytes) noexcept {
  require_alone(Kind::send, descriptor);
  Request& request = queue(Kind::send, descriptor, op.arm());
  request.pieces = {{const_cast<std::byte*>(bytes.data()), bytes.size()}};
  request.as_sent = bytes_given(request);
  world_.note('+', descriptor, static_cast<std::int64_t>(request.as_sent.size()));
  ++counters_.sends;
}

void SimRing::send_gathered(Op& op, int descriptor, const iovec* pieces, unsigned count) noexcept {
  constexpr unsigned pieces_max = 1024; // IOV_MAX: sendmsg(2) refuses more.
  if (count == 0 || count > pieces_max) {
    world_.violate("send of " + std::to_string(count) + " pieces");
  }
  require_alone(Kind::send, descriptor);
  Request& request = queue(Kind::send, descriptor, op.arm());
  request.table = pieces;
  request.pieces.assign(pieces, pieces + count);
  request.as_sent = bytes_given(request);
  world_.note('+', descriptor, static_cast<std::int64_t>(request.as_sent.size()));
  ++counters_.sends;
}

void SimRing::cancel(Op& op) noexcept { queue(Kind::cancel, -1, op.user_data()); }

/// One of a kind in flight for each descriptor: two sends would interleave.
void SimRing::require_alone(Kind kind, int descriptor) {
  if (under_way(descriptor, kind)) {
    world_.violate("two operations of one kind on descriptor " + std::to_string(descriptor));
  }
  Descriptor* found = world_.find(descriptor, "an operation");
  if (found == nullptr) return;
  ++found->armed;
  if (kind == Kind::send && found->link != nullptr && found->link->server_finished()) {
    world_.violate("send after shutdown_write");
  }
}

bool SimRing::under_way(int descriptor, Kind kind) const {
  const auto is_it = [kind, descriptor](const Request& other) {
    return other.kind == kind && other.descriptor == descriptor && !other.finished;
  };
  return std::ranges::any_of(submissions_, is_it) ||
         std::ranges::any_of(held_, [&is_it](const auto& one) { return is_it(*one); });
}

/// Hands what is queued to the kernel. The tables of gathered sends are read here and not later
/// (io_uring_setup(2), IORING_FEAT_SUBMIT_STABLE).
void SimRing::flush() noexcept {
  while (!submissions_.empty()) {
    Request request = std::move(submissions_.front());
    submissions_.pop_front();
    if (request.table != nullptr) {
      request.pieces.assign(request.table, request.table + request.pieces.size());
    }
    if (request.kind == Kind::cancel) {
      take_cancel(request.user_data);
    } else {
      held_.push_back(std::make_unique<Request>(std::move(request)));
    }
  }
}

void SimRing::take_cancel(std::uint64_t user_data) {
  posted_.push_back({user_data_internal, {.result = 0, .flags = 0}});
  for (const auto& target : held_) {
    if (target->user_data != user_data || target->finished) continue;
    // The last chance of an operation that was about to complete anyway.
    if (world_.prng().chance(world_.knobs().cancel_loses_per_mille)) attempt(*target);
    if (target->finished) return;
    const bool odd = target->kind == Kind::receive &&
                     world_.prng().chance(world_.knobs().cancel_as_no_buffers_per_mille);
    return finish(*target, odd ? -ENOBUFS : -ECANCELED);
  }
}

// ---------------------------------------------------------------------------- receive buffers

MutableBytes SimRing::buffer(std::uint16_t id) noexcept {
  if (holders_[id] == Holder::kernel) {
    world_.violate("a look into receive buffer " + std::to_string(id) +
                   ", which belongs to the kernel");
  }
  return MutableBytes(memory_).subspan(std::size_t{id} * buffer_bytes_, buffer_bytes_);
}

void SimRing::return_buffer(std::uint16_t id) noexcept {
  if (holders_[id] != Holder::host) {
    world_.violate("receive buffer " + std::to_string(id) + " was returned twice");
    return;
  }
  std::ranges::fill(buffer(id), poison);
  holders_[id] = Holder::kernel;
  ++buffers_available_;
  if (world_.planted(sim::Plant::loses_buffer)) {
    holders_[id] = Holder::host;
    return;
  }
  returned_.push_back(id);
}

void SimRing::take_returned_buffers() {
  kernel_buffers_.insert(kernel_buffers_.end(), returned_.begin(), returned_.end());
  returned_.clear();
}

// ---------------------------------------------------------------------------- waiting

Result<> SimRing::submit_and_wait(unsigned count, std::chrono::nanoseconds wait) noexcept {
  if (!started_) world_.violate("submit_and_wait before start()");
  ++counters_.enters;
  if (counters_.enters > world_.knobs().enters_max) return fail(Code::ring_enter_failed, EBADF);
  take_returned_buffers();
  posted_.insert(posted_.end(), repeated_.begin(), repeated_.end());
  repeated_.clear();
  // A turn takes time, so one that never waits still comes to its deadlines.
  world_.advance_to(world_.now() + std::chrono::nanoseconds(world_.prng().between(500, 20'000)) +
                    world_.draw_lateness());
  flush();
  const auto start = world_.now();
  const auto deadline = wait > World::never - start ? World::never : start + wait;
  while (true) {
    world_.run_due();
    progress(false);
    if (woken_.exchange(false)) {
      ++counters_.submissions; // Armed again when it is harvested.
      posted_.push_back({user_data_internal, {.result = 8, .flags = 0}});
    }
    // What overflows the queue is flushed into it by the next enter, and wakes nobody before.
    visible_ = std::min<std::size_t>(posted_.size(), world_.knobs().completion_entries);
    if (posted_.size() >= count || wait <= wait.zero()) break;
    if (world_.prng().chance(world_.knobs().interrupted_wait_per_mille)) break;
    if (!wait_once(deadline)) break;
  }
  return {};
}

/// Moves time on to whatever happens next; false when the wait is over.
bool SimRing::wait_once(std::chrono::nanoseconds deadline) {
  if (progress(true)) return true;
  const auto next = world_.next_event();
  if (next == World::never && deadline == World::never) {
    world_.violate("a wait for ever, with nobody left to end it");
    return false;
  }
  world_.advance_to(std::min(next, deadline));
  if (next <= deadline) return true;
  return false;
}

std::size_t SimRing::harvest(std::span<Harvested> harvested) noexcept {
  std::size_t count = 0;
  while (count < harvested.size() && visible_ > 0) {
    --visible_;
    const Posted posted = posted_.front();
    posted_.pop_front();
    ++counters_.completions;
    if (posted.completion.has_buffer()) {
      --buffers_available_;
      holders_[posted.completion.buffer_id()] = Holder::host;
    }
    if (posted.user_data == user_data_internal) continue;
    Op* op = Op::of(posted.user_data);
    if (op != nullptr) {
      harvested[count++] = {.op = op, .completion = posted.completion};
      continue;
    }
    ++counters_.stale_completions;
    if (posted.completion.has_buffer()) return_buffer(posted.completion.buffer_id());
  }
  return count;
}

} // namespace ringfort::engine
