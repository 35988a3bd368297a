// target — one entry for each fuzz target, as libFuzzer calls it. A target aborts when its claim is
// broken; sanitizers abort for the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);

namespace ringfort::fuzz {

constexpr const char* planted_variable = "RINGFORT_FUZZ_PLANTED";

/// Whether the target plants its defect, in what the code under test answers: who runs it must then
/// find an input that ends it.
inline bool planted() noexcept { return std::getenv(planted_variable) != nullptr; }

} // namespace ringfort::fuzz
