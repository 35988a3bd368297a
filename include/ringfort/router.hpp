// router — which handler answers, by the path of the target and by the method.
//
// Patterns are written decoded and are compared with decoded segments, so that no spelling of a
// path gets past one:
//   /a/b         that path alone
//   /users/:id   one segment, not empty, in place of :id
//   /static/     everything that begins so; "/" is everything
//   /static/$    that path alone, with its slash at the end
// Where several match, the first segment in which they differ decides: a literal goes before a
// parameter, and that before a prefix that ends there.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <ringfort/exchange.hpp>
#include <ringfort/message.hpp>
#include <ringfort/service.hpp>
#include <ringfort/task.hpp>

namespace ringfort {

/// What a route's pattern left open in a path: views, still percent-encoded (percent_decoded).
/// Borrow: as long as the exchange, and the names as long as the service.
class RouteParameters {
public:
  RouteParameters() noexcept = default;
  RouteParameters(std::string_view pattern, std::string_view path) noexcept
      : pattern_(pattern), path_(path) {}

  /// The segment in the place of `:name`, never empty; empty when the pattern has no such name.
  /// Cost: one walk over pattern and path.
  std::string_view operator[](std::string_view name) const noexcept;
  /// What follows a prefix, without a slash at its front.
  std::string_view rest() const noexcept;

  std::string_view pattern() const noexcept { return pattern_; }
  std::string_view path() const noexcept { return path_; }

private:
  std::string_view pattern_;
  std::string_view path_;
};

/// Handlers with parameters, which a coroutine takes by value.
template <class H>
concept InstantWithParameters = requires(H& handler, Exchange& exchange, RouteParameters some) {
  { handler(exchange, some) } -> std::same_as<void>;
};
template <class H>
concept StreamedWithParameters = requires(H& handler, Exchange& exchange, RouteParameters some) {
  { handler(exchange, some) } -> std::same_as<Task<>>;
};
template <class H>
concept RouteHandler = Handler<H> || InstantWithParameters<H> || StreamedWithParameters<H>;

namespace frame {

/// A route's handler; one virtual call per request.
class Routed {
public:
  virtual ~Routed() = default;
  virtual void begin(Exchange& exchange, RouteParameters parameters) noexcept = 0;
};

template <class H>
class RoutedHandler final : public Routed {
public:
  explicit RoutedHandler(H handler) : handler_(std::move(handler)) {}

  void begin(Exchange& exchange, RouteParameters parameters) noexcept override {
    if constexpr (InstantWithParameters<H> || StreamedWithParameters<H>) {
      run(exchange, handler_, parameters);
    } else {
      run(exchange, handler_);
    }
  }

private:
  H handler_;
};

} // namespace frame

/// Gathers routes and makes a service of them.
///
/// HEAD is answered by GET's handler where it has none of its own, and OPTIONS by 204 with Allow. A
/// path that no pattern matches is answered 404, one that other methods have 405 with Allow.
/// Where: one thread; a service of each shard's own has handlers of its own.
class Router {
public:
  Router();
  Router(Router&& other) noexcept;
  Router& operator=(Router&& other) noexcept;
  ~Router();

  template <RouteHandler H>
  Router& on(Method method, std::string_view pattern, H handler) {
    add(method, pattern, std::make_unique<frame::RoutedHandler<H>>(std::move(handler)));
    return *this;
  }
  /// For each method that has no route of this very pattern, those without a name here too.
  template <RouteHandler H>
  Router& any(std::string_view pattern, H handler) {
    add({}, pattern, std::make_unique<frame::RoutedHandler<H>>(std::move(handler)));
    return *this;
  }
  template <RouteHandler H>
  Router& get(std::string_view pattern, H handler) {
    return on(Method::get, pattern, std::move(handler));
  }
  template <RouteHandler H>
  Router& post(std::string_view pattern, H handler) {
    return on(Method::post, pattern, std::move(handler));
  }
  template <RouteHandler H>
  Router& put(std::string_view pattern, H handler) {
    return on(Method::put, pattern, std::move(handler));
  }
  template <RouteHandler H>
  Router& patch(std::string_view pattern, H handler) {
    return on(Method::patch, pattern, std::move(handler));
  }
  template <RouteHandler H>
  Router& delete_(std::string_view pattern, H handler) {
    return on(Method::delete_, pattern, std::move(handler));
  }

  /// The service; the router is spent.
  /// Errors: config.bad_route and config.route_conflict, of the first that is wrong (detail: which
  ///         route, from 1).
  /// Cost:   per request one look-up for each segment of the path, however many routes there are,
  ///         and no allocation; nine times that where the answer is 404, 405 or to OPTIONS.
  Result<std::unique_ptr<Service>> build() &&;

private:
  class Routes;

  void add(std::optional<Method> method, std::string_view pattern,
           std::unique_ptr<frame::Routed> handler);

  std::unique_ptr<Routes> routes_;
};

} // namespace ringfort
