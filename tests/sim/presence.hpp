// presence — what simulated handlers have in common: being counted, and what their request says.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <ringfort/exchange.hpp>

#include "tests/sim/handlers.hpp"

namespace ringfort::sim {

/// One running handler.
class Presence {
public:
  explicit Presence(HandlerBalance& balance) noexcept : balance_(balance) { ++balance_.begun; }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() { ++balance_.ended; }

private:
  HandlerBalance& balance_;
};

struct Numbers {
  std::uint64_t seed = 0;
  std::size_t bytes = 0;
};

/// The two numbers of "/name/S/N".
inline Numbers numbers_of(std::string_view target) {
  Numbers numbers;
  const auto first = target.find('/', 1) + 1;
  const auto second = target.find('/', first) + 1;
  std::from_chars(target.data() + first, target.data() + second - 1, numbers.seed);
  std::from_chars(target.data() + second, target.data() + target.size(), numbers.bytes);
  return numbers;
}

inline std::array<Field, 1> tag_of(const Exchange& exchange) {
  return {Field{"x-request", exchange.fields().find("x-request").value_or("")}};
}

} // namespace ringfort::sim
