// route_table — which of many patterns a path is, in one step for each of its segments.
//
// Patterns are gathered in a tree and compiled to an automaton whose states are sets of the tree's
// nodes, the most specific first: nothing is tried and taken back while a path is looked up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringfort::http {

/// "/a/:b", "/a/", "/a/$" as <ringfort/router.hpp> says: a slash in front, no empty segment, no
/// percent sign, names of letters, digits and underscores that differ from one another, a dollar
/// sign only at the end and alone.
bool valid_pattern(std::string_view pattern) noexcept;

/// The first segment, which is taken from `rest` with the slash behind it.
std::string_view take_segment(std::string_view& rest) noexcept;

/// The patterns of one method.
class RouteTree {
public:
  using Route = std::uint32_t;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Node {
    std::map<std::string, std::uint32_t, std::less<>> literals;
    std::uint32_t parameter = none; ///< the node behind any segment
    Route exact = none;             ///< for a path that ends here
    Route prefix = none;            ///< for one that goes on
  };

  /// False when a pattern of the same shape is there already.
  bool add(std::string_view pattern, Route route);
  const std::vector<Node>& nodes() const noexcept { return nodes_; }

private:
  std::uint32_t made(std::uint32_t node, std::string_view segment);

  std::vector<Node> nodes_ = std::vector<Node>(1);
};

/// Where: any thread, once it is compiled.
class RouteTable {
public:
  using Route = RouteTree::Route;

  /// Nothing when the patterns overlap in so many ways that the states would be more than sixteen
  /// times the nodes (and 4,096).
  static std::optional<RouteTable> compile(const RouteTree& tree);

  /// The most specific pattern that `path` matches; its segments are percent-encoded.
  /// Cost: a look-up for each segment; no allocation.
  std::optional<Route> find(std::string_view path) const noexcept;
  /// Whether find() can find anything.
  bool empty() const noexcept { return states_.size() == 1 && states_.front().prefix == none; }

private:
  static constexpr std::uint32_t none = RouteTree::none;

  struct State {
    Route exact = none;
    Route prefix = none;
    std::uint32_t parameter = none; ///< the state behind a segment that is no literal
  };
  /// A literal that leads on from a state; and a segment as it came.
  struct Edge {
    std::uint32_t state;
    std::string literal;
  };
  struct Sought {
    std::uint32_t state;
    std::string_view segment;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Edge& edge) const noexcept;
    std::size_t operator()(const Sought& sought) const noexcept;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Edge& one, const Edge& other) const noexcept {
      return one.state == other.state && one.literal == other.literal;
    }
    bool operator()(const Sought& sought, const Edge& edge) const noexcept;
    bool operator()(const Edge& edge, const Sought& sought) const noexcept {
      return (*this)(sought, edge);
    }
  };
  class Compiler;

  std::uint32_t next(std::uint32_t state, std::string_view segment) const noexcept;

  std::vector<State> states_;
  std::unordered_map<Edge, std::uint32_t, Hash, Equal> edges_;
  std::size_t literal_bytes_max_ = 0;
};

} // namespace ringfort::http
