// recorder — an operation that remembers its completions.
#pragma once

#include <vector>

#include "engine/op.hpp"

namespace ringfort::engine {

struct Recorder {
  Leases leases;
  std::vector<Completion> seen;
  Op op{leases, this, [](void* self, Completion completion) noexcept {
          static_cast<Recorder*>(self)->seen.push_back(completion);
        }};
};

} // namespace ringfort::engine
