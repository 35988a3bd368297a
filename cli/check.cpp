#include "cli/check.hpp"

#include <iostream>

#include <ringfort/engine.hpp>

namespace ringfort::cli {

ExitStatus check(const std::string& cert, const std::string& key) {
  EngineOptions options;
  options.shards = 1;
  auto engine = Engine::create(options);
  if (!engine) return complain(engine.error());
  std::cout << (*engine)->describe() << '\n';
  if (cert.empty() && key.empty()) return ExitStatus::ok;
  auto identity = tls::load_identity(cert, key);
  if (!identity) return complain(identity.error(), cert + ", " + key);
  tls::ContextOptions tls;
  tls.identities.push_back(std::move(*identity));
  const auto context = tls::Context::create(std::move(tls));
  if (!context) return complain(context.error(), cert + ", " + key);
  std::cout << "identity: " << cert << " and " << key << " are usable\n";
  return ExitStatus::ok;
}

} // namespace ringfort::cli
