// sim_ring_records — the simulated ring's calls for sockets whose TLS records the kernel protects.
#include "tests/sim/sim_ring.hpp"

#include <cerrno>
#include <utility>

#include "tests/sim/record_socket.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::engine {

using Descriptor = sim::World::Descriptor;

// ---------------------------------------------------------------------------- installing

namespace {

std::vector<RecordStep> steps_of(const RecordInstall& install) {
  std::vector<RecordStep> steps;
  if (install.protocol) steps.push_back(RecordStep::protocol);
  if (!install.send_keys.empty()) steps.push_back(RecordStep::send);
  if (!install.receive_keys.empty()) steps.push_back(RecordStep::receive);
  return steps;
}

std::uint32_t flags_of(RecordStep step) noexcept {
  return static_cast<std::uint32_t>(step) << Completion::step_shift;
}

} // namespace

std::optional<Completion> SimRing::install_records(Op& op, int descriptor,
                                                   const RecordInstall& install) noexcept {
  std::vector<RecordStep> steps = steps_of(install);
  if (steps.empty()) world_.violate("an installation of nothing");
  if (!features_.socket_options) {
    Completion last{};
    for (const RecordStep step : steps) {
      ++counters_.record_calls;
      last = {.result = take_step(descriptor, step, install), .flags = flags_of(step)};
      if (last.result < 0) break;
    }
    return last;
  }
  require_alone(Kind::install, descriptor);
  Request& request = queue(Kind::install, descriptor, op.arm());
  counters_.submissions += steps.size() - 1; // Linked ones.
  request.steps = std::move(steps);
  request.install = install;
  for (const Bytes keys : {install.send_keys, install.receive_keys}) {
    request.pieces.push_back({const_cast<std::byte*>(keys.data()), keys.size()});
  }
  request.as_sent = bytes_given(request);
  return {};
}

/// One step each time: whatever else happens may happen between two.
bool SimRing::attempt_install(Request& request) {
  if (bytes_given(request) != request.as_sent) {
    world_.violate("keys changed while the kernel was to read them, descriptor " +
                   std::to_string(request.descriptor));
  }
  if (!world_.take_install_step()) return false;
  const RecordStep step = request.steps.front();
  const int error = world_.failure_of(sim::Occasion::install);
  const int result = error != 0 ? -error : take_step(request.descriptor, step, request.install);
  if (result >= 0 && request.steps.size() > 1) {
    request.steps.erase(request.steps.begin());
  } else {
    post(request, result, flags_of(step));
  }
  return true;
}

int SimRing::take_step(int descriptor, RecordStep step, const RecordInstall& install) {
  Descriptor* found = world_.find(descriptor, "install_records");
  if (found == nullptr || found->link == nullptr) return -EBADF;
  switch (step) {
  case RecordStep::protocol: return enable_records(*found);
  case RecordStep::send: return set_record_keys(descriptor, RecordSide::send, install.send_keys);
  case RecordStep::receive:
    return set_record_keys(descriptor, RecordSide::receive, install.receive_keys);
  }
  return -EINVAL;
}

int SimRing::enable_records(Descriptor& descriptor) {
  const sim::Knobs& knobs = world_.knobs();
  if (!knobs.record_protocol || world_.prng().chance(knobs.record_protocol_fails_per_mille)) {
    return -ENOENT;
  }
  if (descriptor.link->server_half_closed()) return -ENOTCONN; // Only in the state ESTABLISHED.
  if (descriptor.records != nullptr) return -EEXIST;
  descriptor.records = std::make_unique<sim::RecordSocket>(world_.library());
  return 0;
}

int SimRing::replace_record_keys(int descriptor, RecordSide side, Bytes keys) noexcept {
  ++counters_.record_calls;
  return set_record_keys(descriptor, side, keys);
}

int SimRing::set_record_keys(int descriptor, RecordSide side, Bytes keys) {
  Descriptor* found = world_.find(descriptor, "set_record_keys");
  if (found == nullptr || found->records == nullptr) return -ENOPROTOOPT;
  const sim::Knobs& knobs = world_.knobs();
  const bool sends = side == RecordSide::send;
  const unsigned fails = sends ? knobs.send_keys_fail_per_mille : knobs.receive_keys_fail_per_mille;
  if (world_.prng().chance(fails)) return -ENOENT;
  if (under_way(descriptor, sends ? Kind::send : Kind::receive)) {
    world_.violate("keys while bytes of other keys are under way");
  }
  world_.note('k', descriptor, sends ? 0 : 1);
  return found->records->set_keys(side, keys, knobs.record_rekeys);
}

int SimRing::receive_control(int descriptor, ControlRecord& record) noexcept {
  Descriptor* found = world_.find(descriptor, "receive_control");
  if (found == nullptr || found->records == nullptr) return -EBADF;
  const int result = found->records->receive_control(record);
  world_.note('e', descriptor, result);
  return result;
}

void SimRing::send_control(Op& op, int descriptor, ControlRecord& record) noexcept {
  Descriptor* found = world_.find(descriptor, "send_control");
  if (found == nullptr || found->records == nullptr || !found->records->seals()) {
    world_.violate("a control record on a socket without keys");
  }
  send(op, descriptor, record.bytes());
  submissions_.back().record_type = record.type;
}

int SimRing::try_record_keys(RecordSide side, Bytes keys, Bytes in, MutableBytes out) noexcept {
  const sim::Knobs& knobs = world_.knobs();
  if (!knobs.record_protocol) return -ENOPROTOOPT;
  if (knobs.records_in_clear) { // No cipher behind the protocol, and nobody says so.
    copy_into(out, in);
    return static_cast<int>(in.size());
  }
  sim::RecordSocket socket(world_.library());
  if (const int result = socket.set_keys(side, keys, false); result < 0) return result;
  if (side == RecordSide::send) {
    const std::string sealed = socket.seal(tls::ContentType::application_data, in);
    copy_into(out, bytes_of(sealed));
    return static_cast<int>(sealed.size());
  }
  const auto read = sim::keys_of_description(keys);
  auto opener =
      tls::RecordCipher::create(world_.library(), tls::RecordCipher::Direction::open, *read);
  std::string record(text_of(in));
  const auto opened = opener->open({reinterpret_cast<std::byte*>(record.data()), record.size()});
  if (!opened) return -EBADMSG;
  copy_into(out, opened->plaintext);
  return static_cast<int>(opened->plaintext.size());
}

int SimRing::try_rekey(Bytes) noexcept { return world_.knobs().record_rekeys ? 0 : -EBUSY; }

/// What a send brings to the network: the bytes, or the records that the kernel makes of them.
int SimRing::send_through(const Request& request, Descriptor& descriptor, Bytes bytes) {
  sim::Link& link = *descriptor.link;
  if (descriptor.records == nullptr || !descriptor.records->seals()) {
    return link.server_send(bytes);
  }
  if (const int error = descriptor.records->take_error(); error != 0) return -error;
  // The socket's limit is soft: what was accepted is sealed, and then sent to the last byte.
  const auto type = request.record_type == 0 ? tls::ContentType::application_data
                                             : static_cast<tls::ContentType>(request.record_type);
  const int result = link.server_send_all(bytes_of(descriptor.records->seal(type, bytes)));
  return result < 0 ? result : static_cast<int>(bytes.size());
}

} // namespace ringfort::engine
