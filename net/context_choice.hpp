// context_choice — who answers a hello: the name's entry, the default, or what a chooser says.
#pragma once

#include <cstdint>
#include <optional>

#include <ringfort/names.hpp>

#include "tls/shard_names.hpp"

namespace ringfort::net {

using ChosenContext = Result<tls::SharedContext>;

/// Nothing: a chooser was asked and decides later.
/// Errors: tls_handshake.unknown_name, .name_refused, .choice_failed, tls_context.*.
std::optional<ChosenContext> choose_context(tls::ShardNames& names, std::string_view name,
                                            Shard& shard, std::uint64_t connection);

/// What a chooser's decision means for the client that asked for `name`. Errors: as above.
ChosenContext context_of(tls::ShardNames& names, std::string_view name, tls::NameChoice choice);

} // namespace ringfort::net
