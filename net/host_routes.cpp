// host_routes — services in a table by host, and what is answered where none is.
#include <ringfort/host_routes.hpp>

#include <functional>
#include <unordered_map>

#include <ringfort/answers.hpp>

#include "tls/host_name.hpp"

namespace ringfort {

namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};
using Table = std::unordered_map<std::string, std::unique_ptr<Service>, Hash, std::equal_to<>>;

/// "host:81" and "[::1]:81" without the port.
std::string_view without_port(std::string_view authority) noexcept {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port = colon != authority.npos && (bracket == authority.npos || bracket < colon);
  return authority.substr(0, has_port ? colon : authority.npos);
}

class HostService final : public Service {
public:
  explicit HostService(Table table) : table_(std::move(table)) {}

  void begin(Exchange& exchange) noexcept override {
    if (Service* const service = find(without_port(exchange.head().authority))) {
      return service->begin(exchange);
    }
    answer_text(exchange, 421, "this server does not answer for that host\n");
  }

private:
  Service* find(std::string_view host) noexcept {
    tls::HostName name(host);
    if (Service* const exact = find_exactly(name ? name.text() : host)) return exact;
    if (name) {
      const std::string_view wildcard = name.as_wildcard();
      Service* const any = wildcard.empty() ? nullptr : find_exactly(wildcard);
      if (any != nullptr) return any;
    }
    return find_exactly({});
  }

  Service* find_exactly(std::string_view key) noexcept {
    const auto found = table_.find(key);
    return found == table_.end() ? nullptr : found->second.get();
  }

  Table table_;
};

/// As it is found; empty for what is no host.
std::string key_of(std::string_view host) {
  std::string pattern = tls::normalised_pattern(host);
  if (!pattern.empty() || host.empty()) return pattern;
  constexpr std::string_view digits = "0123456789.";
  constexpr std::string_view groups = "0123456789abcdefABCDEF.:";
  const bool v6 = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  const bool address = v6 ? host.substr(1, host.size() - 2).find_first_not_of(groups) == host.npos
                          : host.find_first_not_of(digits) == host.npos;
  return address ? std::string(host) : std::string();
}

} // namespace

Result<std::unique_ptr<Service>> HostRoutes::build() && {
  Table table;
  int number = 0;
  for (auto& [host, service] : routes_) {
    ++number;
    std::string key = key_of(host);
    if (key.empty() && !host.empty()) return fail(Code::config_bad_route, number);
    const bool added = table.emplace(std::move(key), std::move(service)).second;
    if (!added) return fail(Code::config_route_conflict, number);
  }
  routes_.clear();
  return std::unique_ptr<Service>(std::make_unique<HostService>(std::move(table)));
}

} // namespace ringfort
