// topology — which CPUs this process may use, and binding a thread to one of them.
#pragma once

namespace ringfort::engine {

/// CPUs in the affinity mask of the process (sched_getaffinity(2)); at least 1.
unsigned usable_cpu_count() noexcept;

/// Binds the calling thread to the `index`-th usable CPU, wrapping around.
/// False when the kernel refused; the thread then runs wherever it is put.
bool pin_to_usable_cpu(unsigned index) noexcept;

} // namespace ringfort::engine
