#include "cli/fetch_proxies.hpp"

#include <array>
#include <string>

#include "cli/environment.hpp"

namespace ringfort::cli {

namespace {

std::string variable_or(const char* name, const char* capitals) {
  std::string value = variable(name);
  return value.empty() ? variable(capitals) : value;
}

} // namespace

// HTTP_PROXY is none of them: a CGI program's client says it by its field "Proxy".
std::optional<ProxyRules> load_proxies(const FetchFlags& flags, Complaints& complaints) {
  const bool given = flags.proxy.has_value();
  const std::string for_http = given ? "" : variable("http_proxy");
  const std::string for_https = given ? "" : variable_or("https_proxy", "HTTPS_PROXY");
  const std::string for_all = given ? *flags.proxy : variable_or("all_proxy", "ALL_PROXY");
  const std::string excepted =
      flags.no_proxy ? *flags.no_proxy : variable_or("no_proxy", "NO_PROXY");
  auto rules = ProxyRules::parse({.for_http = for_http,
                                  .for_https = for_https,
                                  .for_all = for_all,
                                  .excepted = given && !flags.no_proxy ? "" : excepted});
  if (rules) return std::move(*rules);
  constexpr std::array names{"http_proxy", "https_proxy", "all_proxy"};
  const auto which = static_cast<std::size_t>(rules.error().detail) - 1;
  complaints.add({.code = rules.error().code}, given ? "--proxy" : names[which]);
  return {};
}

} // namespace ringfort::cli
