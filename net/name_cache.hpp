// name_cache — what a shard knows of names for the time being, and which of them it is asking for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include <ringfort/error.hpp>

#include "engine/timer_wheel.hpp"
#include "net/addresses.hpp"

namespace ringfort::net {

class Lookup;
class Resolver;

/// A name that was asked for. Immovable.
struct KnownName {
  enum class State : std::uint8_t {
    asked,    ///< queries are under way
    partly,   ///< one has been answered, and who waits is told so
    answered, ///< they are over, and who waits for them is being told
    known,
  };

  KnownName(std::string_view name, Resolver* resolver) noexcept;

  std::string text;
  Resolver* asked_by;
  State state = State::asked;
  std::list<Lookup*> waiting = {}; ///< for the answer; none once it is known
  unsigned queries_under_way = 0;
  engine::Timer delay_timer; ///< before it is told partly
  // Of the queries that were answered:
  Result<Addresses> answer = Addresses(); ///< the ports are 0
  std::chrono::seconds lifetime{0};       ///< the shortest that any said
  std::chrono::nanoseconds expires{0};
};

/// Names by age, the oldest out. Where: one shard.
class NameCache {
public:
  static constexpr std::size_t names_max = 1'024;
  // How long an answer is kept at least, and at most.
  static constexpr std::chrono::seconds lifetime_min{1};
  static constexpr std::chrono::seconds lifetime_max{300};

  /// Null when nothing is known, or not any more.
  /// Borrow: what is found or added stays until it is known and expired, or makes room.
  KnownName* find(std::string_view text, std::chrono::nanoseconds now) noexcept;
  /// One that was not found, to be asked for. Null when all that there is room for are being asked.
  /// Cost: allocates.
  KnownName* add(std::string_view text, Resolver* asked_by) noexcept;
  /// Notes the answer, to be kept for `lifetime` or what of it the bounds allow.
  static void answer(KnownName& name, const Result<Addresses>& answer,
                     std::chrono::seconds lifetime, std::chrono::nanoseconds now) noexcept;

private:
  using Place = std::list<KnownName>::iterator;

  void erase(Place place) noexcept;

  std::list<KnownName> names_; ///< the oldest first
  std::unordered_map<std::string_view, Place> by_text_;
};

} // namespace ringfort::net
