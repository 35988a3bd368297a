#include "tests/sim/ask.hpp"

namespace ringfort::sim {

namespace {

using std::chrono::milliseconds;

/// What credits hold without anybody reading.
constexpr std::size_t unread_bytes_max = 8'192;

std::size_t draw_bytes(Prng& prng) { return prng.below(std::uint64_t{1} << prng.below(18)); }

void draw_upload(Prng& prng, Ask& ask) {
  ask.method = "POST";
  ask.upload_bytes = draw_bytes(prng);
  ask.streams = prng.chance(700);
  ask.chunked = ask.streams && prng.chance(500);
  ask.expects_continue = ask.streams && prng.chance(300);
  ask.piece_bytes_max = prng.between(256, 40'000);
  // A caller that writes all before it reads holds up who answers meanwhile.
  if (ask.manner == Manner::echo) ask.upload_bytes %= unread_bytes_max;
  if (ask.manner == Manner::early) ask.answer_bytes %= unread_bytes_max;
  // One that is not streamed is kept in the call's own block.
  if (!ask.streams) ask.upload_bytes %= 4'096;
}

} // namespace

std::string Ask::target() const {
  return '/' + std::string(name_of(manner)) + '/' + std::to_string(number) + '/' +
         std::to_string(answer_bytes);
}

std::size_t Ask::answer_bytes_whole() const {
  if (method == "HEAD") return 0;
  return manner == Manner::echo ? upload_bytes : answer_bytes;
}

Ask draw_ask(Prng& prng, std::uint64_t number, const std::vector<Destination>& destinations,
             bool kind) {
  const auto manners = static_cast<std::uint64_t>(kind ? Manner::refuses : Manner::count);
  Ask ask;
  ask.number = number;
  ask.manner = static_cast<Manner>(prng.below(manners));
  ask.destination = destinations[prng.below(destinations.size())];
  ask.answer_bytes = draw_bytes(prng);
  if (prng.chance(600)) {
    draw_upload(prng, ask);
  } else if (prng.chance(200)) {
    ask.method = "HEAD";
  }
  ask.start_after = milliseconds(prng.below(std::uint64_t{1} << prng.below(13)));
  if (prng.chance(200)) ask.pause = milliseconds(prng.between(10, 200));
  if (!kind && prng.chance(250)) ask.leave = static_cast<Leave>(prng.between(1, 5));
  return ask;
}

} // namespace ringfort::sim
