#include "http/cycle.hpp"

namespace ringfort::http {

namespace {

constexpr std::size_t state_count = 6;
constexpr std::size_t event_count = 7;
using Table = std::array<std::array<SideState, event_count>, state_count>;

constexpr Table table = [] {
  Table made{};
  for (auto& row : made) row.fill(SideState::broken);
#define X(state, event, next)                                                                      \
  made[static_cast<std::size_t>(SideState::state)][static_cast<std::size_t>(CycleEvent::event)] =  \
      SideState::next;
#include "http/cycle.def"
#undef X
  return made;
}();

} // namespace

bool Cycle::on(Side side, CycleEvent event) noexcept {
  SideState& state = sides_[static_cast<std::size_t>(side)];
  state = table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
  return state != SideState::broken;
}

} // namespace ringfort::http
