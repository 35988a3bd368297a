// The parser: the same events whatever the cut, for any bytes, as a request and as an answer; and
// no others for these bytes, or what is behind the cut, where heads are known from them. The first
// byte chooses the cut, and which request is answered.
#include <string>
#include <vector>

#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tests/wire/replay.hpp"

namespace {

using namespace ringfort;

/// A message with two faults is refused for what is met first, and the cut may decide which.
std::vector<std::string> events_of(const wire::Case& one, const std::vector<std::size_t>& ends,
                                   http::KnownHeads* known_heads = nullptr) {
  auto events = wire::replay(one, ends, known_heads);
  const bool refused = !events.empty() && events.back().starts_with("error ");
  if (refused && !events.back().contains("cut_short")) events.back() = "error";
  return events;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  if (bytes < 2 || bytes > 4'096) return 0;
  wire::Case one;
  one.input.assign(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  one.limits = {.head_bytes_max = 512, .fields_max = 16};
  one.answers = data[0] % 4 == 0 ? Method::head : Method::get;
  const std::size_t cut = data[0] % one.input.size();
  for (const auto role : {http::Role::server, http::Role::client}) {
    one.role = role;
    const auto whole = events_of(one, {one.input.size()});
    auto split = events_of(one, {cut, one.input.size()});
    if (fuzz::planted() && split.size() > 3) split.pop_back();
    RINGFORT_CHECK(whole == split);
    wire::Case rest = one;
    rest.input.erase(0, cut);
    const auto rest_alone = events_of(rest, {rest.input.size()});
    http::KnownHeads known_heads;
    for (int round = 0; round < 3; ++round) {
      RINGFORT_CHECK(events_of(one, {one.input.size()}, &known_heads) == whole);
      RINGFORT_CHECK(events_of(rest, {rest.input.size()}, &known_heads) == rest_alone);
    }
  }
  return 0;
}
