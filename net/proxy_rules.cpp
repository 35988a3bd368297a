// The words of http_proxy, https_proxy, all_proxy and no_proxy, and what follows from them.
#include <ringfort/proxy_rules.hpp>

#include <algorithm>
#include <charconv>

#include <ringfort/credentials.hpp>

#include "engine/address_block.hpp"

namespace ringfort {

/// Hosts of a name, or of a network's addresses.
struct ProxyRules::Exception {
  std::string name = {}; ///< without the dot in front; "*" for everybody
  std::optional<engine::AddressBlock> network = {};
  std::uint16_t port = 0; ///< 0: each

  static Exception parse(std::string_view text);
  bool covers(const Destination& destination) const noexcept;
};

namespace {

/// What stands in a variable, a URL that may lack its scheme.
std::optional<Proxy> parse_proxy(std::string_view text) {
  const bool bare = !text.contains("://");
  const std::string with_scheme = std::string(bare ? "http://" : "").append(text);
  const auto url = parse_url(with_scheme);
  if (!url) return {};
  Proxy proxy{.encrypted = url->encrypted, .host = std::string(url->host), .port = url->port};
  if (!url->user_information.empty()) {
    proxy.authorization = basic_credentials(url->user_information);
  }
  return proxy;
}

/// Takes ":8443" off the end. An IPv6 address has a port behind brackets alone.
std::uint16_t take_port(std::string_view& text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return 0;
  const bool bare_v6 = text.find(':') != colon && !text.substr(0, colon).ends_with(']');
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (bare_v6 || parsed.ec != std::errc{} || parsed.ptr != end) return 0;
  text = text.substr(0, colon);
  return port;
}

/// "a.example" is below "example".
bool is_below(std::string_view host, std::string_view name) noexcept {
  if (host.size() < name.size()) return false;
  const std::string_view tail = host.substr(host.size() - name.size());
  const bool at_dot = host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
  return at_dot && same_name(tail, name);
}

} // namespace

ProxyRules::Exception ProxyRules::Exception::parse(std::string_view text) {
  Exception exception{.port = take_port(text)};
  exception.network = engine::AddressBlock::parse(text);
  while (text.starts_with('.')) text.remove_prefix(1);
  exception.name = text;
  return exception;
}

bool ProxyRules::Exception::covers(const Destination& destination) const noexcept {
  if (port != 0 && port != destination.port) return false;
  if (name == "*") return true;
  if (!network) return !name.empty() && is_below(destination.host, name);
  const auto address = engine::SocketAddress::parse(destination.host, 0);
  return address && network->contains(*address);
}

ProxyRules::ProxyRules() noexcept = default;
ProxyRules::ProxyRules(ProxyRules&&) noexcept = default;
ProxyRules& ProxyRules::operator=(ProxyRules&&) noexcept = default;
ProxyRules::~ProxyRules() = default;

Result<ProxyRules> ProxyRules::parse(const ProxySettings& settings) {
  constexpr std::string_view separators = ", \t";
  const std::string_view texts[] = {settings.for_http, settings.for_https, settings.for_all};
  std::optional<Proxy> proxies[std::size(texts)];
  for (std::size_t index = 0; index < std::size(texts); ++index) {
    if (texts[index].empty()) continue;
    proxies[index] = parse_proxy(texts[index]);
    if (!proxies[index]) return fail(Code::call_bad_url, static_cast<std::int32_t>(index) + 1);
  }
  ProxyRules rules;
  rules.for_http_ = proxies[0] ? proxies[0] : proxies[2];
  rules.for_https_ = proxies[1] ? proxies[1] : proxies[2];
  for (std::string_view rest = settings.excepted;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
    if (rest.empty()) return rules;
    const std::string_view one = rest.substr(0, rest.find_first_of(separators));
    rules.exceptions_.push_back(Exception::parse(one));
    rest.remove_prefix(one.size());
  }
}

const Proxy* ProxyRules::choose(const Destination& destination) const noexcept {
  const auto& proxy = destination.encrypted ? for_https_ : for_http_;
  if (!proxy) return nullptr;
  const bool excepted = std::ranges::any_of(
      exceptions_, [&](const Exception& exception) { return exception.covers(destination); });
  return excepted ? nullptr : &*proxy;
}

} // namespace ringfort
