#include "net/connection_deadlines.hpp"

#include <algorithm>

namespace ringfort::net {

void ConnectionDeadlines::arm_earliest(engine::TimerWheel& timers) noexcept {
  const Time next = *std::ranges::min_element(at_);
  earliest_ = next;
  if (next == never || (timer_.armed() && armed_for_ <= next)) return;
  armed_for_ = next;
  timers.arm(timer_, next);
}

} // namespace ringfort::net
