#include "net/polled_sockets.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>

namespace ringfort::net {

PolledSockets::Place::Place(PolledSockets& sockets) noexcept
    : owner(sockets),
      op(sockets.leases_, this, [](void* self, engine::Completion completion) noexcept {
        auto* place = static_cast<Place*>(self);
        place->owner.on_polled(*place, completion);
      }) {}

void PolledSockets::watch(int descriptor, std::uint32_t events) noexcept {
  Place& place = place_of(descriptor);
  if (place.events == events && place.descriptor == descriptor) return;
  place.descriptor = events == 0 ? -1 : descriptor;
  place.events = events;
  // One that waits for other events, or on a socket that goes, begins again when it has ended.
  if (place.op.armed()) return loop_.ring().cancel(place.op);
  arm(place);
}

// The number of a socket that was closed comes again, while its poll may still be under way.
PolledSockets::Place& PolledSockets::place_of(int descriptor) noexcept {
  const auto own = std::ranges::find(places_, descriptor, &Place::descriptor);
  if (own != places_.end()) return *own;
  const auto free = std::ranges::find_if(
      places_, [](const Place& place) { return place.descriptor < 0 && !place.op.armed(); });
  return free != places_.end() ? *free : places_.emplace_back(*this);
}

void PolledSockets::arm(Place& place) noexcept {
  if (place.descriptor < 0 || place.op.armed()) return;
  loop_.ring().poll(place.op, place.descriptor, place.events);
}

void PolledSockets::on_polled(Place& place, engine::Completion completion) noexcept {
  if (completion.result > 0 && place.descriptor >= 0) {
    const auto came = static_cast<std::uint32_t>(completion.result);
    const auto told = [&place, came](std::uint32_t event) {
      return (place.events & event) != 0 && (came & (event | POLLERR | POLLHUP)) != 0;
    };
    ready_(owner_, place.descriptor, told(POLLIN), told(POLLOUT));
  }
  // A poll that the kernel will not have would fail again at once: the socket's timeout ends it.
  if (completion.result > 0 || completion.result == -ECANCELED) arm(place);
}

} // namespace ringfort::net
