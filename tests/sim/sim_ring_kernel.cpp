// sim_ring_kernel — what the simulated kernel does with the operations that it holds.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <ringfort/check.hpp>

#include "tests/sim/sim_ring.hpp"
#include "tests/sim/splice.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::engine {

using Descriptor = sim::World::Descriptor;

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
  case Kind::connect: return attempt_connect(request);
  case Kind::poll:
  case Kind::cancel: break;
  }
  return false;
}

/// The longest waiting connection, of those that there are.
int SimRing::take_from_backlog(int listener) {
  const int descriptor = world_.open(Descriptor::Kind::connection);
  if (descriptor < 0) return descriptor;
  auto& backlog = world_.find(listener, "accept")->backlog;
  sim::Link* const link = backlog.front();
  backlog.pop_front();
  world_.find(descriptor, "accept")->link = link;
  link->server_accept();
  return descriptor;
}

bool SimRing::attempt_accept(Request& request) {
  Descriptor* listener = world_.find(request.descriptor, "accept");
  if (listener == nullptr || listener->backlog.empty()) return false;
  sim::Prng& prng = world_.prng();
  if (const int error = world_.failure_of(sim::Occasion::accept)) {
    finish(request, -error);
    return true;
  }
  if (prng.chance(world_.knobs().accept_fails_per_mille)) {
    constexpr int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EPROTO, EINTR};
    finish(request, -errors[prng.below(std::size(errors))]);
    return true;
  }
  const int descriptor = take_from_backlog(request.descriptor);
  if (descriptor < 0) {
    finish(request, descriptor);
    return true;
  }
  if (world_.planted(sim::Plant::leaks_descriptor)) return true;
  const bool ends = prng.chance(world_.knobs().accept_ends_per_mille);
  post(request, descriptor, ends ? 0 : Completion::flag_more);
  return true;
}

bool SimRing::attempt_connect(Request& request) {
  Descriptor* found = world_.find(request.descriptor, "connect");
  if (found == nullptr) return false;
  if (*request.address != request.address_as_given) {
    world_.violate("the address of a connect changed while the kernel held it");
  }
  if (found->splice == nullptr) found->splice = &world_.set_out(request.address_as_given);
  sim::Splice& splice = *found->splice;
  if (splice.state() == sim::Splice::State::under_way) return false;
  if (const int error = world_.failure_of(sim::Occasion::connect)) {
    splice.near().server_abort();
    finish(request, -error);
    return true;
  }
  const bool connected = splice.state() == sim::Splice::State::connected;
  if (connected) found->link = &splice.near();
  finish(request, connected ? 0 : -ECONNREFUSED);
  return true;
}

bool SimRing::attempt_receive(Request& request) {
  Descriptor* found = world_.find(request.descriptor, "receive");
  if (found == nullptr || found->link == nullptr) return false;
  sim::Link& link = *found->link;
  sim::Prng& prng = world_.prng();
  if (!readable(*found)) return false;
  if (fail_once(sim::Occasion::receive, request, link)) return true;
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
  if (fail_once(sim::Occasion::send, request, *found->link)) return true;
  if (world_.prng().chance(world_.knobs().interrupted_send_per_mille)) {
    finish(request, world_.prng().chance(500) ? -EINTR : -EAGAIN);
    return true;
  }
  perhaps_break(*found->link);
  const std::size_t part = shortened(bytes.size(), world_.knobs().short_send_per_mille);
  const bool whole = request.record_type != 0; // A short record would be another one.
  finish(request, send_through(request, *found, Bytes(bytes).first(whole ? bytes.size() : part)));
  return true;
}

/// Commits the one failure that was asked for, when its turn has come.
bool SimRing::fail_once(sim::Occasion occasion, Request& request, sim::Link& link) {
  const int error = world_.failure_of(occasion);
  if (error == 0) return false;
  const bool sends = occasion == sim::Occasion::send;
  const bool passes = sends ? error == EINTR || error == EAGAIN : error == ENOBUFS;
  const bool lives = error == ECANCELED || error == ENOBUFS || error == EINTR || error == EAGAIN;
  if (!lives) link.disturb(0); // And this call tells it.
  if (!passes) link.blame_nobody();
  finish(request, -error);
  return true;
}

void SimRing::perhaps_break(sim::Link& link) {
  if (!world_.prng().chance(world_.knobs().fatal_per_mille)) return;
  constexpr int errors[] = {ETIMEDOUT, ENETDOWN, ENOMEM, ECONNRESET, EPIPE, EHOSTUNREACH};
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
  world_.note("ARSIOP"[static_cast<int>(request.kind)], request.descriptor, result);
  if (request.kind == Kind::send && world_.planted(sim::Plant::loses_completion)) return;
  posted_.push_back({request.user_data, completion});
  if (!completion.more() && world_.planted(sim::Plant::repeats_completion)) {
    repeated_.push_back({request.user_data, {.result = result, .flags = 0}});
  }
}

} // namespace ringfort::engine
