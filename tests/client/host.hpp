// host — an engine of one shard, turned by the test itself, that serves and calls.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>

namespace ringfort::client {

class Host {
public:
  explicit Host(const EngineOptions& options = options_of());
  ~Host();

  static EngineOptions options_of();

  Engine& engine() noexcept { return *engine_; }
  Shard& shard() noexcept { return engine_->shard(0); }
  /// Runs `work` to its end.
  void run(std::function<Task<>(Errand&)> work);
  /// Turns until `done` says so.
  void turn_until(const std::function<bool()>& done);
  std::uint64_t faults(Code code) const {
    return engine_->metrics().faults[static_cast<std::size_t>(code)];
  }

private:
  std::unique_ptr<Engine> engine_;
};

/// A client that believes `authorities_pem`.
std::unique_ptr<Client> make_client(Shard& shard, const std::string& authorities_pem,
                                    const std::function<void(ClientOptions&)>& change = {});

/// A client that believes nobody: for servers in clear text, and those that are not to be believed.
std::unique_ptr<Client> client_of(Host& host,
                                  const std::function<void(ClientOptions&)>& change = {});

/// What serves each shard with `handler`.
ServiceFactory serving(auto handler) {
  return [handler](Shard&) { return service(handler); };
}

/// Far more than both ways' credits and socket buffers hold, as they begin; grown, these may hold
/// all of it, and not eight times as much.
std::string bulk(int times = 1);

/// Writes a body piece by piece, and ends it.
Task<Result<>> send(Errand& errand, Call& call, std::string_view text);

/// Reads an answer's body to its end.
Task<Result<std::string>> body_of(Errand& errand, Call& call);

/// One call, and all that is known of it at its end.
struct Outcome {
  Result<Response> response = fail(Code::call_ended);
  int status = 0;
  std::string body;
  std::optional<Error> body_error;
  CallFacts facts; ///< but for its texts
  std::string peer;
  std::string server_name;
};
Outcome outcome_of(Host& host, Client& client, const Destination& destination,
                   Request request = {});

Destination clear(std::uint16_t port);
Destination secure(std::uint16_t port, const std::string& host = "localhost");

} // namespace ringfort::client
