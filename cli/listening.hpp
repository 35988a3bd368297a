// listening — where the program listens: at addresses that it binds, or with sockets that it was
// started with.
#pragma once

#include <optional>
#include <vector>

#include <ringfort/engine.hpp>

#include "cli/complaints.hpp"
#include "cli/inherited.hpp"

namespace ringfort::cli {

struct ServeFlags;

/// Endpoints, and whatever sockets they listen with. Borrow: the endpoints' sockets are its own.
struct Listening {
  std::vector<Endpoint> endpoints;
  std::vector<Descriptor> sockets;
};

/// What a predecessor listened with, where there is one; else what the flags say, and without a
/// word of them whatever sockets were passed, or the default address. Empty after a complaint: a
/// socket that was passed and is asked for by nobody is one, because its clients would wait for
/// ever.
std::optional<Listening> places_to_listen(const ServeFlags& flags, Inherited& inherited,
                                          Complaints& complaints);

} // namespace ringfort::cli
