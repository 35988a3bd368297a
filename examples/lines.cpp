// Lines: who switches to this protocol hears what the others say. lines [PORT]
// One shard, whose room it is: nothing is locked.
#include <array>
#include <cstdlib>
#include <iostream>
#include <list>
#include <string>

#include <ringfort/ringfort.hpp>

namespace {

using ringfort::Exchange;
struct Member {
  ringfort::Waker waker;
  std::string unheard;
};
using Room = std::list<Member>;

void tell_others(Room& room, const Member& speaker, std::string_view text) {
  constexpr std::size_t unheard_bytes_max = 65'536; // Who hears too slowly misses something.
  for (Member& member : room) {
    if (&member == &speaker || member.unheard.size() > unheard_bytes_max) continue;
    member.unheard.append(text);
    member.waker.wake();
  }
}

ringfort::Task<> join(Exchange& exchange, Room& room) {
  if (exchange.offered_protocols() != "lines") {
    const std::array fields{ringfort::Field{"upgrade", "lines"}};
    co_return exchange.respond(426, fields);
  }
  ringfort::BodyWriter out = exchange.open_tunnel("lines", {});
  const auto self = room.insert(room.end(), Member{exchange.waker(), {}});
  for (bool here = true; here;) {
    const auto said = co_await exchange.body().read_or_woken();
    if (said && *said) tell_others(room, *self, ringfort::text_of(**said));
    here = said && (!*said || !(*said)->empty()); // An empty piece is its end.
    const std::string heard = std::exchange(self->unheard, {});
    if (here && !heard.empty()) here = (co_await out.write(heard)).has_value();
  }
  room.erase(self);
}

} // namespace

int main(int argument_count, char** arguments) {
  const int port = argument_count > 1 ? std::atoi(arguments[1]) : 8080;
  const auto engine = ringfort::Engine::create({.shards = 1, .limits = {}}).or_exit();
  Room room;
  const ringfort::Endpoint here{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)};
  const auto factory = [&](ringfort::Shard&) {
    return ringfort::service([&](Exchange& exchange) { return join(exchange, room); });
  };
  const auto bound = engine->serve_plain(here, factory).or_exit();
  std::cout << "http://" << bound.host << ':' << bound.port << std::endl;
  engine->run().or_exit();
}
