// errand — what a simulated client wants: requests, the answers that they must bring, and how the
// connection is to end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace ringfort::sim {

/// What follows an answer that leaves HTTP.
enum class Tunnel : std::uint8_t {
  none,
  echo,   ///< the client talks and ends its direction; what it said comes back, then the end
  first,  ///< the server talks and ends its direction, then the client
  leaves, ///< the server talks, and is gone
};

/// One request, encoded, and the answer that it must bring.
struct Errand {
  std::string tag = {}; ///< sent as x-request and expected back
  std::string request = {};
  std::string rest = {}; ///< of the request, after 100 Continue
  bool hasty = false;    ///< the rest goes out without being asked for
  bool head_only = false;
  int status = 200;
  std::string body = {}; ///< of the answer; of a tunnel: what is heard through it
  unsigned informs = 0;
  bool closes = false; ///< the request says connection: close
  bool old = false;    ///< HTTP/1.0
  bool last = false;   ///< the server ends the connection after it
  bool cut = false;    ///< the answer never ends: the connection does
  Tunnel tunnel = Tunnel::none;
  std::string said = {}; ///< by the client, through the tunnel
};

enum class Ending : std::uint8_t {
  closes,        ///< closes when it has all answers
  half_closes,   ///< sends FIN after its last request, reads on to the end
  server_closes, ///< asks for connection: close and reads on to the end
  trickles,      ///< sends a byte now and then, `cut_bytes` at most, then falls silent
  resets,        ///< RST after `cut_bytes`
  abandons,      ///< closes after `cut_bytes`
  vanishes,      ///< falls silent after `cut_bytes`
};

struct Plan {
  std::uint16_t port = 0;
  Time start{0};
  std::vector<Errand> errands;
  std::size_t pipeline_depth = 1; ///< requests sent before the first answer is there
  std::size_t write_bytes_max = 65'536;
  std::size_t read_bytes_max = 65'536;
  Time pause_max{0}; ///< between two steps
  Ending ending = Ending::closes;
  std::uint64_t cut_bytes = 0; ///< sent and received together
};

} // namespace ringfort::sim
