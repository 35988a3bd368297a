// proxy_rules — which proxy stands before which server, as Unix programs are told by their
// environment. The library reads no environment: whoever does gives the values.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <ringfort/client.hpp>

namespace ringfort {

/// Each as its variable says it; empty: nothing.
struct ProxySettings {
  /// A URL, http:// unless it says https://, perhaps with user:password@.
  std::string_view for_http = {};  ///< http_proxy
  std::string_view for_https = {}; ///< https_proxy
  std::string_view for_all = {};   ///< all_proxy: where the one above is empty
  /// no_proxy: who is reached directly, separated by commas or spaces. "example.com" and
  /// ".example.com" are that host and all below it, "192.0.2.0/24" and "2001:db8::/32" networks,
  /// "*" everybody; with ":8443" behind a name or an address, on that port alone.
  std::string_view excepted = {};
};

/// Where: any thread, once made.
class ProxyRules {
public:
  /// Errors: call.bad_url (detail: 1 to 3: which of the settings is no proxy's URL).
  static Result<ProxyRules> parse(const ProxySettings& settings);

  /// Null: the destination is reached directly. By its name and port, not by where it connects.
  /// Borrow: as long as these rules. Cost: a look at each exception.
  const Proxy* choose(const Destination& destination) const noexcept;

  /// There is a proxy that is reached by TLS.
  bool encrypted() const noexcept {
    return (for_http_ && for_http_->encrypted) || (for_https_ && for_https_->encrypted);
  }

  ProxyRules(ProxyRules&&) noexcept;
  ProxyRules& operator=(ProxyRules&&) noexcept;
  ~ProxyRules();

private:
  struct Exception;

  ProxyRules() noexcept;

  std::optional<Proxy> for_http_;
  std::optional<Proxy> for_https_;
  std::vector<Exception> exceptions_;
};

} // namespace ringfort
