// welcome — a page that shows a browser what it reached, and how.
#pragma once

#include <ringfort/exchange.hpp>

namespace ringfort::cli {

/// `/`: the page; anything else: 404.
void answer_welcome(Exchange& exchange);

} // namespace ringfort::cli
