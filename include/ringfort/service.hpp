// service — what answers requests: a plain function when the answer is at hand, a coroutine when
// the handler has to wait.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

namespace ringfort {

/// A handler that answers before it returns.
template <class H>
concept Instant = requires(H& handler, Exchange& exchange) {
  { handler(exchange) } -> std::same_as<void>;
};

/// A handler that may wait.
template <class H>
concept Streamed = requires(H& handler, Exchange& exchange) {
  { handler(exchange) } -> std::same_as<Task<>>;
};

template <class H>
concept Handler = Instant<H> || Streamed<H>;

/// How an exchange begins; one virtual call per request. One object per shard and listener.
class Service {
public:
  virtual ~Service() = default;
  virtual void begin(Exchange& exchange) noexcept = 0;
};

namespace frame {

/// Gives a started handler to its exchange.
void adopt(Exchange& exchange, Task<> task) noexcept;
/// Tells the exchange that its handler threw: 500 when nothing was sent yet, else a cut.
void threw(Exchange& exchange) noexcept;

/// Starts a handler with what its service has for it.
template <class H, class... More>
void run(Exchange& exchange, H& handler, More... more) noexcept {
  try {
    if constexpr (std::same_as<decltype(handler(exchange, more...)), void>) {
      handler(exchange, more...);
    } else {
      adopt(exchange, handler(exchange, more...));
    }
  } catch (...) {
    threw(exchange);
  }
}

template <class H>
class HandlerService final : public Service {
public:
  explicit HandlerService(H handler) : handler_(std::move(handler)) {}

  void begin(Exchange& exchange) noexcept override { run(exchange, handler_); }

private:
  H handler_;
};

} // namespace frame

/// Makes a service of a handler. Handlers may throw; nothing below them does.
/// Errors: handler.no_response, handler.threw, handler.no_memory, reported to Engine::on_error.
template <Handler H>
std::unique_ptr<Service> service(H handler) {
  return std::make_unique<frame::HandlerService<H>>(std::move(handler));
}

} // namespace ringfort
