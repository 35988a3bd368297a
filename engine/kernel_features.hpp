// kernel_features — what this kernel's io_uring can do, found out once by asking it.
#pragma once

#include <string>

#include <ringfort/error.hpp>

namespace ringfort::engine {

struct KernelFeatures {
  unsigned version_major = 0;
  unsigned version_minor = 0;
  bool no_sqarray = false;      ///< 6.6+: no indirection array in the submission queue
  bool defer_taskrun = false;   ///< 6.1+: completions run only when the shard asks for them
  bool huge_ring = false;       ///< receive buffers lie in huge pages
  bool receive_cap = false;     ///< 6.17+: a multishot receive ends by itself after so many bytes
  bool socket_options = false;  ///< 6.7+: setsockopt(2) as an operation
  bool registered_ring = false; ///< 5.18+: enter without a descriptor look-up

  /// "Linux 6.18, defer_taskrun, no_sqarray, receive_cap". Allocates.
  std::string text() const;
};

/// The running kernel's version (uname(2)).
/// Errors: ring.kernel_too_old below Linux 6.1.
Result<KernelFeatures> kernel_version() noexcept;

/// The fault that an errno of io_uring_setup(2) stands for.
Error ring_setup_error(int error_number) noexcept;

} // namespace ringfort::engine
