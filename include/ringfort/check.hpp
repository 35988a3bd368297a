// check — contract breaches inside Ringfort's own code end the process; remote input never can.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ringfort {

/// Prints `file:line: check failed: text` to standard error and aborts.
[[noreturn]] inline void check_failed(const char* text, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
  std::abort();
}

} // namespace ringfort

/// Always on: the condition is part of the contract between two pieces of Ringfort.
#define RINGFORT_CHECK(condition)                                                                  \
  ((condition) ? static_cast<void>(0) : ::ringfort::check_failed(#condition, __FILE__, __LINE__))

/// Debug builds only: a condition too hot to test in a release.
#ifdef NDEBUG
#define RINGFORT_ASSUME(condition) static_cast<void>(0)
#else
#define RINGFORT_ASSUME(condition) RINGFORT_CHECK(condition)
#endif
