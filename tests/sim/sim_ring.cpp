#include "tests/sim/sim_ring.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <ringfort/check.hpp>

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
    : world_(world), submission_entries_(options.submission_entries),
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

Result<> SimRing::check_free(const SocketAddress& address) noexcept {
  if (world_.listens(address)) return fail(Code::listen_address_in_use, EADDRINUSE);
  return {};
}

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
  world_.close(descriptor);
  world_.note('C', descriptor, 0);
}

void SimRing::reset(int descriptor) noexcept {
  Descriptor* found = world_.find(descriptor, "reset");
  if (found == nullptr) return;
  if (found->link != nullptr) found->link->server_abort();
  world_.close(descriptor);
  world_.note('X', descriptor, 0);
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

/// One accept, one receive and one send in flight for each descriptor: two sends would interleave.
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
  world_.advance_to(world_.now() + std::chrono::nanoseconds(world_.prng().between(500, 20'000)));
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
  while (count < harvested.size() && !posted_.empty()) {
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

// ---------------------------------------------------------------------------- the kernel's part

/// Lets operations go on, in any order; `all`: each that can. True when one did.
bool SimRing::progress(bool all) {
  bool any = false;
  for (std::size_t left = held_.size(); left > 1; --left) {
    std::swap(held_[left - 1], held_[world_.prng().below(left)]);
  }
  for (std::size_t index = 0; index < held_.size(); ++index) {
    if (held_[index]->finished) continue;
    if (!all && world_.prng().chance(world_.knobs().late_per_mille)) continue;
    if (attempt(*held_[index])) any = true;
  }
  std::erase_if(held_, [](const auto& request) { return request->finished; });
  return any;
}

bool SimRing::attempt(Request& request) {
  switch (request.kind) {
  case Kind::accept: return attempt_accept(request);
  case Kind::receive: return attempt_receive(request);
  case Kind::send: return attempt_send(request);
  case Kind::install: return attempt_install(request);
  case Kind::cancel: break;
  }
  return false;
}

bool SimRing::attempt_accept(Request& request) {
  Descriptor* listener = world_.find(request.descriptor, "accept");
  if (listener == nullptr || listener->backlog.empty()) return false;
  sim::Prng& prng = world_.prng();
  if (prng.chance(world_.knobs().accept_fails_per_mille)) {
    constexpr int errors[] = {EMFILE, ENFILE, ENOMEM, ECONNABORTED};
    finish(request, -errors[prng.below(std::size(errors))]);
    return true;
  }
  sim::Link* link = listener->backlog.front();
  const int descriptor = world_.open(Descriptor::Kind::connection);
  if (descriptor < 0) {
    finish(request, descriptor);
    return true;
  }
  // Opening may have moved the table.
  world_.find(request.descriptor, "accept")->backlog.pop_front();
  world_.find(descriptor, "accept")->link = link;
  link->server_accept();
  if (world_.planted(sim::Plant::leaks_descriptor)) return true;
  const bool ends = prng.chance(world_.knobs().accept_ends_per_mille);
  post(request, descriptor, ends ? 0 : Completion::flag_more);
  return true;
}

bool SimRing::attempt_receive(Request& request) {
  Descriptor* found = world_.find(request.descriptor, "receive");
  if (found == nullptr || found->link == nullptr) return false;
  sim::Link& link = *found->link;
  sim::Prng& prng = world_.prng();
  if (!readable(*found)) return false;
  perhaps_break(link);
  const bool cap_known = features_.receive_cap && request.arm.cap_bytes > 0;
  while (true) {
    if (!receive_once(request, *found)) return true;
    if (!request.arm.multishot) RINGFORT_CHECK(request.finished);
    if (request.finished) return true;
    // Before Linux 6.12 a multishot goes on until nothing is left, be it data or buffers; the
    // buffer is chosen before the data is looked for.
    const bool looks_again = cap_known ? prng.chance(500) : readable(*found);
    if (!looks_again) return true;
    if (!readable(*found)) {
      if (kernel_buffers_.empty()) finish(request, -ENOBUFS);
      return true;
    }
  }
}

/// Whether a receive has something to answer.
bool SimRing::readable(Descriptor& descriptor) {
  if (descriptor.records == nullptr || !descriptor.records->opens()) {
    return descriptor.link->server_readable();
  }
  descriptor.records->take(*descriptor.link);
  return descriptor.records->readable(*descriptor.link);
}

/// One completion; false when it had none to receive into.
bool SimRing::receive_once(Request& request, Descriptor& descriptor) {
  const sim::Knobs& knobs = world_.knobs();
  sim::Prng& prng = world_.prng();
  if (kernel_buffers_.empty() || prng.chance(knobs.no_buffers_per_mille)) {
    finish(request, -ENOBUFS);
    return false;
  }
  const std::uint16_t id = kernel_buffers_.front();
  const MutableBytes memory =
      MutableBytes(memory_).subspan(std::size_t{id} * buffer_bytes_, buffer_bytes_);
  if (!std::ranges::all_of(memory, [](std::byte byte) { return byte == poison; })) {
    world_.violate("receive buffer " + std::to_string(id) + " was written to after its return");
  }
  const std::size_t most = request.arm.multishot || request.arm.bytes_max == 0
                               ? buffer_bytes_
                               : std::min(buffer_bytes_, request.arm.bytes_max);
  const std::size_t bytes_max = shortened(most, knobs.short_receive_per_mille);
  const bool opens = descriptor.records != nullptr && descriptor.records->opens();
  const int result = opens ? descriptor.records->receive(*descriptor.link, memory, bytes_max)
                           : descriptor.link->server_receive(memory, bytes_max);
  std::uint32_t flags = 0;
  const bool takes_buffer = result > 0 || (result == 0 && prng.chance(knobs.end_buffer_per_mille));
  if (takes_buffer) {
    kernel_buffers_.pop_front();
    holders_[id] = Holder::completion;
    flags = Completion::flag_buffer | (std::uint32_t{id} << Completion::buffer_shift);
  }
  if (result > 0) {
    request.received_bytes += static_cast<std::uint32_t>(result);
    const bool capped = features_.receive_cap && request.arm.cap_bytes > 0 &&
                        request.received_bytes >= request.arm.cap_bytes;
    const bool ends = !request.arm.multishot || capped || prng.chance(knobs.receive_ends_per_mille);
    if (!ends) flags |= Completion::flag_more;
    if (world_.planted(sim::Plant::corrupts_byte)) memory[0] ^= std::byte{1};
  }
  post(request, result, flags);
  return true;
}

bool SimRing::attempt_send(Request& request) {
  Descriptor* found = world_.find(request.descriptor, "send");
  if (found == nullptr || found->link == nullptr || !found->link->server_writable()) return false;
  const std::vector<std::byte> bytes = bytes_given(request);
  if (bytes != request.as_sent) {
    world_.violate("the bytes of a send changed while the kernel held it, descriptor " +
                   std::to_string(request.descriptor));
  }
  if (bytes.empty()) world_.violate("a send of nothing");
  perhaps_break(*found->link);
  const std::size_t part = shortened(bytes.size(), world_.knobs().short_send_per_mille);
  const bool whole = request.record_type != 0; // A short record would be another one.
  finish(request, send_through(request, *found, Bytes(bytes).first(whole ? bytes.size() : part)));
  return true;
}

void SimRing::perhaps_break(sim::Link& link) {
  if (!world_.prng().chance(world_.knobs().fatal_per_mille)) return;
  constexpr int errors[] = {ETIMEDOUT, ENETDOWN, ENOMEM};
  link.disturb(errors[world_.prng().below(std::size(errors))]);
}

/// 1 .. bytes.
std::size_t SimRing::shortened(std::size_t bytes, unsigned per_mille) {
  sim::Prng& prng = world_.prng();
  if (!prng.chance(per_mille)) return bytes;
  if (prng.chance(world_.knobs().lone_byte_per_mille)) return 1;
  return prng.between(1, std::max<std::size_t>(bytes, 1));
}

std::vector<std::byte> SimRing::bytes_given(const Request& request) {
  std::vector<std::byte> bytes;
  for (const iovec& piece : request.pieces) {
    const auto* begin = static_cast<const std::byte*>(piece.iov_base);
    bytes.insert(bytes.end(), begin, begin + piece.iov_len);
  }
  return bytes;
}

void SimRing::post(Request& request, int result, std::uint32_t flags) {
  const Completion completion{.result = result, .flags = flags};
  if (!completion.more()) {
    request.finished = true;
    if (Descriptor* found = world_.find(request.descriptor, "completion")) --found->armed;
  }
  world_.note("ARSI"[static_cast<int>(request.kind)], request.descriptor, result);
  if (request.kind == Kind::send && world_.planted(sim::Plant::loses_completion)) return;
  posted_.push_back({request.user_data, completion});
  if (!completion.more() && world_.planted(sim::Plant::repeats_completion)) {
    repeated_.push_back({request.user_data, {.result = result, .flags = 0}});
  }
}

} // namespace ringfort::engine
