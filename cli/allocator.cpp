#include "cli/allocator.hpp"

#if defined(RINGFORT_JEMALLOC)
#include <cstdint>

#include <jemalloc/jemalloc.h>

// jemalloc reads this before main. Without a thread of its own it gives freed pages back only while
// somebody allocates: what a burst of handshakes needed, some 80 KB each, would stay for as long as
// the server is idle after it.
const char* malloc_conf = "background_thread:true";
#endif

namespace ringfort::cli {

#if defined(RINGFORT_JEMALLOC)

std::string allocator_text() {
  std::uint64_t epoch = 1; // The statistics are as of the last epoch.
  std::size_t epoch_bytes = sizeof epoch;
  mallctl("epoch", &epoch, &epoch_bytes, &epoch, epoch_bytes);
  std::string text = "allocator:";
  for (const char* name : {"allocated", "active", "resident", "mapped"}) {
    std::size_t value = 0;
    std::size_t value_bytes = sizeof value;
    const std::string path = std::string("stats.") + name;
    mallctl(path.c_str(), &value, &value_bytes, nullptr, 0);
    text.append(" ").append(name).append("=").append(std::to_string(value));
  }
  return text;
}

#else

std::string allocator_text() { return "allocator: built without jemalloc, no statistics"; }

#endif

} // namespace ringfort::cli
