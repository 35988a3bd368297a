// router — routes as one table for each method, and what is answered where none matches.
#include <ringfort/router.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <ringfort/answers.hpp>
#include <ringfort/target.hpp>

#include "http/route_table.hpp"
#include "http/short_text.hpp"

namespace ringfort {

namespace {

/// In the order of Method.
constexpr std::array<std::string_view, 9> method_names{
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
constexpr std::size_t table_count = method_names.size() + 1; // One for all others.

constexpr std::size_t index_of(Method method) noexcept { return static_cast<std::size_t>(method); }

struct Route {
  std::optional<Method> method; ///< of none: of any
  std::string pattern;
  std::unique_ptr<frame::Routed> handler;
};

/// A list of methods as Allow wants it: all names, with what is between them, have 59 bytes.
using Allowed = http::ShortText<80>;

class RoutedService final : public Service {
public:
  RoutedService(std::vector<Route> routes, std::vector<http::RouteTable> tables)
      : routes_(std::move(routes)), tables_(std::move(tables)) {}

  void begin(Exchange& exchange) noexcept override {
    const Head& head = exchange.head();
    const std::string_view path = path_of(head.target);
    const auto found = tables_[index_of(head.method)].find(path);
    if (!found) return answer_unrouted(exchange, path);
    Route& route = routes_[*found];
    route.handler->begin(exchange, RouteParameters(route.pattern, path));
  }

private:
  void answer_unrouted(Exchange& exchange, std::string_view path) noexcept {
    const bool asks = exchange.head().method == Method::options;
    const bool of_all = asks && exchange.head().target == "*";
    Allowed allowed;
    bool any = of_all;
    for (std::size_t index = 0; index < method_names.size(); ++index) {
      const http::RouteTable& table = tables_[index];
      const bool has = of_all ? !table.empty() : table.find(path).has_value();
      any = any || has;
      if (!has && index != index_of(Method::options)) continue;
      allowed.add(allowed.empty() ? "" : ", ").add(method_names[index]);
    }
    if (!any) return answer_text(exchange, 404, "not found\n");
    const Field allow{"allow", allowed.view()};
    if (asks) return exchange.respond(204, std::array{allow});
    const std::array fields{Field{"content-type", "text/plain; charset=utf-8"}, allow};
    exchange.respond(405, fields, Payload::forever("the resource has other methods\n"));
  }

  std::vector<Route> routes_;
  std::vector<http::RouteTable> tables_; ///< by Method
};

} // namespace

class Router::Routes {
public:
  std::vector<Route> all;

  Result<std::vector<http::RouteTable>> tables() const {
    for (std::uint32_t index = 0; index < all.size(); ++index) {
      const bool has_method = all[index].method != Method::other;
      if (!has_method || !http::valid_pattern(all[index].pattern)) {
        return fail(Code::config_bad_route, number_of(index));
      }
    }
    std::vector<http::RouteTable> made;
    for (std::size_t index = 0; index < table_count; ++index) {
      auto table = table_of(static_cast<Method>(index));
      if (!table) return std::unexpected(table.error());
      made.push_back(std::move(*table));
    }
    return made;
  }

private:
  static std::int32_t number_of(std::uint32_t index) noexcept {
    return static_cast<std::int32_t>(index + 1);
  }

  /// The method's own routes, then what stands in for one that is missing.
  Result<http::RouteTable> table_of(Method method) const {
    http::RouteTree tree;
    http::RouteTree of_any;
    if (const auto conflict = add_all(tree, method)) {
      return fail(Code::config_route_conflict, number_of(*conflict));
    }
    if (method == Method::head) (void)add_all(tree, Method::get);
    if (const auto conflict = add_all(of_any, {})) {
      return fail(Code::config_route_conflict, number_of(*conflict));
    }
    (void)add_all(tree, {});
    auto table = http::RouteTable::compile(tree);
    if (!table) return fail(Code::config_route_conflict);
    return std::move(*table);
  }

  /// Adds them where there is none; answers the first that was not added.
  std::optional<std::uint32_t> add_all(http::RouteTree& tree, std::optional<Method> method) const {
    std::optional<std::uint32_t> conflict;
    for (std::uint32_t index = 0; index < all.size(); ++index) {
      const Route& route = all[index];
      const bool refused = route.method == method && !tree.add(route.pattern, index);
      if (refused && !conflict) conflict = index;
    }
    return conflict;
  }
};

Router::Router() : routes_(std::make_unique<Routes>()) {}
Router::Router(Router&& other) noexcept = default;
Router& Router::operator=(Router&& other) noexcept = default;
Router::~Router() = default;

void Router::add(std::optional<Method> method, std::string_view pattern,
                 std::unique_ptr<frame::Routed> handler) {
  routes_->all.push_back({method, std::string(pattern), std::move(handler)});
}

Result<std::unique_ptr<Service>> Router::build() && {
  auto tables = routes_->tables();
  if (!tables) return std::unexpected(tables.error());
  return std::make_unique<RoutedService>(std::move(routes_->all), std::move(*tables));
}

// ---------------------------------------------------------------------------- parameters

std::string_view RouteParameters::operator[](std::string_view name) const noexcept {
  std::string_view pattern = pattern_.substr(std::min<std::size_t>(1, pattern_.size()));
  std::string_view path = path_.substr(std::min<std::size_t>(1, path_.size()));
  while (!pattern.empty()) {
    const std::string_view place = http::take_segment(pattern);
    const std::string_view segment = http::take_segment(path);
    if (place.starts_with(':') && place.substr(1) == name) return segment;
  }
  return {};
}

std::string_view RouteParameters::rest() const noexcept {
  if (!pattern_.ends_with('/')) return {};
  std::string_view path = path_.substr(1);
  for (auto slashes = std::ranges::count(pattern_, '/'); slashes > 1; --slashes) {
    (void)http::take_segment(path);
  }
  return path;
}

} // namespace ringfort
