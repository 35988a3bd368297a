// replay — feeds a case to the parser in pieces and writes down what comes out.
//
// Each piece lies in memory of exactly its size, freed as soon as the engine would recycle the
// receive buffer, so that the sanitizers see a read beyond it and a view that outlived it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "http/known_heads.hpp"
#include "tests/wire/case_file.hpp"

namespace ringfort::wire {

/// `ends`: where each piece stops; the last is the input's size. `known_heads`: null for none.
std::vector<std::string> replay(const Case& one, const std::vector<std::size_t>& ends,
                                http::KnownHeads* known_heads = nullptr);

} // namespace ringfort::wire
