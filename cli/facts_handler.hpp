// facts_handler — what is known of a connection, as text: who is on the other side, and how.
#pragma once

#include <ringfort/exchange.hpp>

namespace ringfort::cli {

/// One fact a line, "name: value"; bytes that are not printable are escaped.
void answer_facts(Exchange& exchange, unsigned shard);

} // namespace ringfort::cli
