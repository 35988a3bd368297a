// allocator — what the program's allocator holds, for leak tests.
#pragma once

#include <string>

namespace ringfort::cli {

/// "allocated=N active=N resident=N mapped=N", in bytes; says so when there is no jemalloc.
std::string allocator_text();

} // namespace ringfort::cli
