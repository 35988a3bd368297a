#include "engine/kernel_features.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <sys/utsname.h>

namespace ringfort::engine {

std::string KernelFeatures::text() const {
  std::string text = "Linux " + std::to_string(version_major) + "." + std::to_string(version_minor);
  if (defer_taskrun) text += ", defer_taskrun";
  if (no_sqarray) text += ", no_sqarray";
  if (registered_ring) text += ", registered_ring";
  if (receive_cap) text += ", receive_cap";
  if (socket_options) text += ", socket_options";
  if (huge_ring) text += ", huge_buffers";
  return text;
}

Result<KernelFeatures> kernel_version() noexcept {
  utsname name{};
  if (::uname(&name) != 0) return fail(Code::ring_kernel_too_old, errno);
  KernelFeatures features;
  const char* end = name.release + std::strlen(name.release);
  const auto major = std::from_chars(name.release, end, features.version_major);
  if (major.ec == std::errc{} && major.ptr < end) {
    std::from_chars(major.ptr + 1, end, features.version_minor);
  }
  const bool too_old =
      features.version_major < 6 || (features.version_major == 6 && features.version_minor < 1);
  if (too_old) return fail(Code::ring_kernel_too_old);
  return features;
}

Error ring_setup_error(int error_number) noexcept {
  switch (error_number) {
  case EPERM:
  case EACCES: return {.code = Code::ring_refused, .detail = error_number};
  case ENOMEM:
  case EMFILE:
  case ENFILE: return {.code = Code::ring_no_memory, .detail = error_number};
  default: return {.code = Code::ring_kernel_too_old, .detail = error_number};
  }
}

} // namespace ringfort::engine
