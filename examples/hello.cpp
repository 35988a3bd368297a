// The smallest HTTPS server: hello CERT KEY [PORT]
#include <charconv>
#include <iostream>
#include <string_view>

#include <ringfort/ringfort.hpp>

namespace {

int complain(const ringfort::Error& error) {
  std::cerr << ringfort::explain(error) << '\n';
  return 1;
}

void hello(ringfort::Exchange& exchange) {
  const ringfort::Field fields[] = {{"content-type", "text/plain"}};
  exchange.respond(200, fields, ringfort::Payload::forever("Hello, world!"));
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) {
    std::cerr << "usage: hello CERT KEY [PORT]\n";
    return 64;
  }
  ringfort::Endpoint endpoint;
  if (argument_count > 3) {
    const std::string_view port = arguments[3];
    std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  }
  auto identity = ringfort::tls::load_identity(arguments[1], arguments[2]);
  if (!identity) return complain(identity.error());
  ringfort::tls::ContextOptions tls;
  tls.identities.push_back(std::move(*identity));
  const auto context = ringfort::tls::Context::create(std::move(tls));
  if (!context) return complain(context.error());

  const auto engine = ringfort::Engine::create({});
  if (!engine) return complain(engine.error());
  const auto bound = (*engine)->serve(endpoint, *context,
                                      [](ringfort::Shard&) { return ringfort::service(hello); });
  if (!bound) return complain(bound.error());
  std::cout << "https://" << bound->host << ':' << bound->port << std::endl;
  const auto ran = (*engine)->run();
  return ran ? 0 : complain(ran.error());
}
