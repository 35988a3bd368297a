// passed_keys — generated ticket keys on their way to a successor: a file in memory that has no
// name (memfd_create(2)), and is gone with its descriptors.
#pragma once

#include <optional>

#include <ringfort/ticket_keys.hpp>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// None for keys of a file, which a successor reads for itself, and, after a warning, where there
/// is no memory.
Descriptor write_passed_keys(const tls::TicketKeys& keys);
/// Empty, after a warning, for those of a program whose keys lie differently.
std::optional<tls::TicketKeys> read_passed_keys(const Descriptor& file);

} // namespace ringfort::cli
