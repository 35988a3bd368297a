#include "http/route_table.hpp"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "http/letters.hpp"
#include "http/percent.hpp"

namespace ringfort::http {

namespace {

constexpr std::string_view end_mark = "$";

bool valid_name(std::string_view name) noexcept {
  constexpr auto letter = [](char one) {
    const char lower = static_cast<char>(one | 0x20);
    return (lower >= 'a' && lower <= 'z') || is(one, digit_letter) || one == '_';
  };
  return !name.empty() && std::ranges::all_of(name, letter);
}

/// FNV-1a.
class Fnv {
public:
  void add(unsigned char byte) noexcept { hash_ = (hash_ ^ byte) * 0x100000001b3; }
  std::size_t hash() const noexcept { return hash_; }

private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

Fnv begun(std::uint32_t state) noexcept {
  Fnv fnv;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    fnv.add(static_cast<unsigned char>(state >> shift));
  }
  return fnv;
}

} // namespace

std::string_view take_segment(std::string_view& rest) noexcept {
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  return segment;
}

bool valid_pattern(std::string_view pattern) noexcept {
  if (!pattern.starts_with('/') || pattern.contains('%')) return false;
  std::set<std::string_view> names;
  for (std::string_view rest = pattern.substr(1); !rest.empty();) {
    const std::string_view segment = take_segment(rest);
    const bool last = segment.data() + segment.size() == pattern.data() + pattern.size();
    if (segment.empty() || (segment == end_mark && !last)) return false;
    if (!segment.starts_with(':')) continue;
    const std::string_view name = segment.substr(1);
    if (!valid_name(name) || !names.insert(name).second) return false;
  }
  return true;
}

// ---------------------------------------------------------------------------- the tree

bool RouteTree::add(std::string_view pattern, Route route) {
  std::uint32_t node = 0;
  std::string_view rest = pattern.substr(1);
  while (!rest.empty()) {
    const std::string_view segment = take_segment(rest);
    node = made(node, segment == end_mark ? std::string_view() : segment);
  }
  Route& place = pattern.ends_with('/') ? nodes_[node].prefix : nodes_[node].exact;
  if (place != none) return false;
  place = route;
  return true;
}

std::uint32_t RouteTree::made(std::uint32_t node, std::string_view segment) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  if (segment.starts_with(':')) {
    if (nodes_[node].parameter != none) return nodes_[node].parameter;
    nodes_[node].parameter = fresh;
  } else {
    const auto [place, is_new] = nodes_[node].literals.try_emplace(std::string(segment), fresh);
    if (!is_new) return place->second;
  }
  nodes_.emplace_back();
  return fresh;
}

// ---------------------------------------------------------------------------- the automaton

class RouteTable::Compiler {
public:
  explicit Compiler(const RouteTree& tree) : nodes_(tree.nodes()) {}

  std::optional<RouteTable> run() {
    const std::size_t states_max = 16 * nodes_.size() + 4'096;
    (void)state_of({0});
    while (!waiting_.empty()) {
      if (table_.states_.size() > states_max) return {};
      auto [state, nodes] = std::move(waiting_.front());
      waiting_.pop_front();
      complete(state, std::move(nodes));
    }
    return std::move(table_);
  }

private:
  using Nodes = std::vector<std::uint32_t>; ///< the most specific first

  std::uint32_t state_of(Nodes nodes) {
    if (nodes.empty()) return none;
    const auto fresh = static_cast<std::uint32_t>(table_.states_.size());
    const auto [place, is_new] = known_.try_emplace(nodes, fresh);
    if (!is_new) return place->second;
    table_.states_.emplace_back();
    waiting_.emplace_back(fresh, std::move(nodes));
    return fresh;
  }

  void complete(std::uint32_t state, Nodes nodes) {
    const auto exact = std::ranges::find_if(
        nodes, [this](std::uint32_t node) { return nodes_[node].exact != none; });
    if (exact != nodes.end()) table_.states_[state].exact = nodes_[*exact].exact;
    // A prefix takes whatever goes on here: what is less specific than it never has its turn.
    const auto prefix = std::ranges::find_if(
        nodes, [this](std::uint32_t node) { return nodes_[node].prefix != none; });
    if (prefix != nodes.end()) {
      table_.states_[state].prefix = nodes_[*prefix].prefix;
      nodes.erase(prefix + 1, nodes.end());
    }
    std::set<std::string_view> literals;
    for (const std::uint32_t node : nodes) {
      for (const auto& [literal, behind] : nodes_[node].literals) literals.insert(literal);
    }
    for (const std::string_view literal : literals) lead_on(state, nodes, literal);
    const std::uint32_t parameter = state_of(behind(nodes, {}));
    table_.states_[state].parameter = parameter;
  }

  void lead_on(std::uint32_t state, const Nodes& nodes, std::string_view literal) {
    const std::uint32_t next = state_of(behind(nodes, literal));
    table_.edges_.emplace(Edge{state, std::string(literal)}, next);
    table_.literal_bytes_max_ = std::max(table_.literal_bytes_max_, literal.size());
  }

  /// Where a segment leads from these nodes: one that is that literal, or one that is none.
  Nodes behind(const Nodes& nodes, std::optional<std::string_view> literal) const {
    Nodes found;
    for (const std::uint32_t node : nodes) {
      if (literal) {
        const auto edge = nodes_[node].literals.find(*literal);
        if (edge != nodes_[node].literals.end()) found.push_back(edge->second);
      }
      const bool is_empty = literal && literal->empty(); // No parameter is.
      if (nodes_[node].parameter != none && !is_empty) found.push_back(nodes_[node].parameter);
    }
    return found;
  }

  const std::vector<RouteTree::Node>& nodes_;
  RouteTable table_;
  std::map<Nodes, std::uint32_t> known_;
  std::deque<std::pair<std::uint32_t, Nodes>> waiting_;
};

std::optional<RouteTable> RouteTable::compile(const RouteTree& tree) {
  return Compiler(tree).run();
}

std::size_t RouteTable::Hash::operator()(const Edge& edge) const noexcept {
  Fnv fnv = begun(edge.state);
  for (const char letter : edge.literal) fnv.add(static_cast<unsigned char>(letter));
  return fnv.hash();
}

std::size_t RouteTable::Hash::operator()(const Sought& sought) const noexcept {
  Fnv fnv = begun(sought.state);
  PercentReader reader(sought.segment);
  while (!reader.ended()) fnv.add(static_cast<unsigned char>(reader.next()));
  return fnv.hash();
}

bool RouteTable::Equal::operator()(const Sought& sought, const Edge& edge) const noexcept {
  if (sought.state != edge.state) return false;
  PercentReader reader(sought.segment);
  for (const char letter : edge.literal) {
    if (reader.ended() || reader.next() != letter) return false;
  }
  return reader.ended();
}

std::uint32_t RouteTable::next(std::uint32_t state, std::string_view segment) const noexcept {
  constexpr std::size_t encoded_bytes = 3; // Of one byte, at most.
  if (segment.size() <= literal_bytes_max_ * encoded_bytes) {
    const auto edge = edges_.find(Sought{state, segment});
    if (edge != edges_.end()) return edge->second;
  }
  return segment.empty() ? none : states_[state].parameter;
}

std::optional<RouteTable::Route> RouteTable::find(std::string_view path) const noexcept {
  if (!path.starts_with('/')) return {};
  Route found = none; // Of the prefixes so far, the most specific.
  std::uint32_t state = 0;
  bool goes_on = true;
  for (std::string_view rest = path.substr(1); goes_on;) {
    if (states_[state].prefix != none) found = states_[state].prefix;
    const std::string_view segment = rest.substr(0, rest.find('/'));
    state = next(state, segment);
    if (state == none) break;
    goes_on = segment.size() < rest.size();
    rest.remove_prefix(segment.size() + (goes_on ? 1 : 0));
  }
  if (state != none && states_[state].exact != none) found = states_[state].exact;
  return found == none ? std::nullopt : std::optional<Route>(found);
}

} // namespace ringfort::http
