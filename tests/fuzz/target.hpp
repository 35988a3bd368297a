// target — one entry for each fuzz target, as libFuzzer calls it. A target aborts when its claim is
// broken; sanitizers abort for the rest.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);
