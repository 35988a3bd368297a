// fetch_request — one request of `ringfort fetch`: of the URL, or of where that redirected to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ringfort/client.hpp>
#include <ringfort/proxy_rules.hpp>

#include "cli/fetch_body.hpp"
#include "cli/fetch_flags.hpp"

namespace ringfort::cli {

struct FetchRequest {
  std::string url; ///< one that parse_url takes
  std::string method;
  bool sends_body = false;
  /// False once a redirection has led elsewhere: what was said for the URL's origin alone, its
  /// credentials and names among that, goes no further.
  bool at_origin = true;
  std::uint32_t redirects_left = 0;
};

/// Of the URL itself, which is one.
FetchRequest first_request(const FetchFlags& flags);

/// Whom it is asked of, by which way.
Destination destination_of(const FetchRequest& request, const FetchFlags& flags,
                           const ProxyRules& proxies);

/// Asks. What fails is answered by the call.
Call ask(Client& client, Errand& errand, const FetchRequest& request, const FetchFlags& flags,
         const Destination& destination, const FetchBody& body);

/// What an answer that redirects comes to.
struct Redirection {
  std::optional<FetchRequest> next;
  std::string refusal; ///< why it is not followed, though --follow wants it
};

/// Both are empty for what is an answer like any other.
Redirection redirection_of(const FetchRequest& request, const Response& response,
                           const FetchFlags& flags, const FetchBody& body);

} // namespace ringfort::cli
