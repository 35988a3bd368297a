// Whole engines in simulated worlds: all that a run must show (tests/sim/README.md), whatever it
// draws. The first byte chooses who protects the records, eight are the seed, and the rest are the
// first draws: how mean the kernel is, then the engine, its clients, and what befalls them.
#include <array>
#include <cstring>

#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tests/peer/identity.hpp"
#include "tests/sim/scenario.hpp"

namespace {

using namespace ringfort;

const tls::Context& context() {
  static const tls::Context context = peer::make_context({peer::KeyType::rsa_2048});
  return context;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  constexpr std::array records{RecordLayer::user, RecordLayer::kernel, RecordLayer::kernel_send};
  sim::ScenarioOptions options;
  constexpr std::size_t draws_at = 1 + sizeof options.seed;
  if (bytes <= draws_at || bytes > 4'096) return 0;
  std::memcpy(&options.seed, data + 1, sizeof options.seed);
  options.draws = std::as_bytes(std::span(data, bytes)).subspan(draws_at);
  if (const std::size_t choice = data[0] % (1 + records.size()); choice > 0) {
    options.context = &context();
    options.records = records[choice - 1];
  }
  if (fuzz::planted()) options.plant = sim::Plant::loses_completion;
  RINGFORT_CHECK(sim::run_scenario(options).findings.empty());
  return 0;
}
