// context — what a public tls::Context holds: the checked options, and what was found of them.
#pragma once

#include <ringfort/tls.hpp>

namespace ringfort::tls {

struct Context::Description {
  ContextOptions options;
  std::vector<Error> warnings;
  std::string policy;
};

} // namespace ringfort::tls
