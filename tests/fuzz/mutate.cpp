// Drives one fuzz target without a fuzzer: inputs made from seeds by a generator with a fixed
// start, so that every test run tries the same ones.  mutate NAME COUNT [SEED FILE]...
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"
#include "tests/sim/prng.hpp"

namespace {

using ringfort::sim::Prng;

/// Changes a few bytes, drops or doubles a stretch, or splices another seed in.
std::string mutated(Prng& prng, const std::vector<std::string>& seeds) {
  std::string text = seeds[prng.below(seeds.size())];
  for (auto changes = prng.between(0, 6); changes > 0; --changes) {
    const std::size_t at = prng.below(text.size() + 1);
    const std::size_t bytes = prng.below(20);
    switch (prng.below(4)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(prng.below(256));
      break;
    case 1: text.erase(at, bytes); break;
    case 2: text.insert(at, text.substr(at, bytes)); break;
    default: text.insert(at, seeds[prng.below(seeds.size())].substr(0, 4 * bytes)); break;
    }
  }
  text.insert(text.begin(), static_cast<char>(prng.below(256)));
  return text;
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) return 64;
  std::vector<std::string> seeds{
      "",
      std::string(64, '\0'),
      "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      std::string("\x16\x03\x01\x00\x2a\x01\x00\x00\x26\x03\x03", 11),
      std::string("\x17\x03\x03\x00\x15", 5) + std::string(21, 'x')};
  for (int index = 3; index < argument_count; ++index) {
    std::ostringstream text;
    text << std::ifstream(arguments[index], std::ios::binary).rdbuf();
    seeds.push_back(text.str().substr(0, 2'000));
  }
  std::printf("1..1\n");
  std::fflush(stdout);
  Prng prng(1);
  for (long count = std::atol(arguments[2]); count > 0; --count) {
    const std::string input = mutated(prng, seeds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
  std::printf("ok 1 - fuzz: %s holds for %s inputs\n", arguments[1], arguments[2]);
}
