// host_routes — services in a table by host, and what is answered where none is.
#include <ringfort/host_routes.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include <arpa/inet.h>

#include <ringfort/answers.hpp>

#include "net/text_hash.hpp"
#include "tls/host_name.hpp"

namespace ringfort {

namespace {

using Table =
    std::unordered_map<std::string, std::unique_ptr<Service>, net::TextHash, std::equal_to<>>;

/// "host:81" and "[::1]:81" without the port.
std::string_view without_port(std::string_view authority) noexcept {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port = colon != authority.npos && (bracket == authority.npos || bracket < colon);
  return authority.substr(0, has_port ? colon : authority.npos);
}

/// An address in the one form that is compared, "192.0.2.7" or "[2001:db8::1]"; empty for what is
/// none.
class AddressText {
public:
  explicit AddressText(std::string_view host) noexcept {
    const bool v6 = host.starts_with('[') && host.ends_with(']');
    if (v6) host = host.substr(1, host.size() - 2);
    std::array<char, INET6_ADDRSTRLEN> written{};
    if (host.empty() || host.size() >= written.size()) return;
    std::ranges::copy(host, written.begin());
    in6_addr address{}; // Room for either.
    const int family = v6 ? AF_INET6 : AF_INET;
    if (::inet_pton(family, written.data(), &address) != 1) return;
    if (::inet_ntop(family, &address, text_.data() + 1, INET6_ADDRSTRLEN) == nullptr) return;
    bytes_ = std::string_view(text_.data() + 1).size();
    if (!v6) return;
    text_[0] = '[';
    text_[++bytes_] = ']';
    ++bytes_;
    begin_ = 0;
  }

  std::string_view text() const noexcept { return {text_.data() + begin_, bytes_}; }

private:
  std::array<char, INET6_ADDRSTRLEN + 2> text_{};
  std::size_t begin_ = 1;
  std::size_t bytes_ = 0;
};

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
    Service* found = nullptr;
    if (tls::HostName name(host); name) {
      found = find_exactly(name.text());
      if (found == nullptr) found = find_unless_empty(name.as_wildcard());
    } else {
      found = find_unless_empty(AddressText(host).text());
    }
    return found != nullptr ? found : find_exactly({});
  }

  Service* find_unless_empty(std::string_view key) noexcept {
    return key.empty() ? nullptr : find_exactly(key);
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
  return pattern.empty() ? std::string(AddressText(host).text()) : pattern;
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
