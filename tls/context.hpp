// context — what a public tls::Context holds: the checked options, and what was found of them.
#pragma once

#include <cstdint>

#include <ringfort/tls.hpp>

namespace ringfort::tls {

struct Context::Description {
  ContextOptions options;
  std::vector<Error> warnings;
  std::string policy;
  std::int64_t expires_unix_s = INT64_MAX;
};

} // namespace ringfort::tls
