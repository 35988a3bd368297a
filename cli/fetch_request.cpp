#include "cli/fetch_request.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <ringfort/credentials.hpp>

#include "cli/redirection.hpp"

namespace ringfort::cli {

namespace {

/// Whoever is redirected to may be somebody else.
bool is_secret(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 3> secrets{"authorization", "cookie",
                                                    "proxy-authorization"};
  return std::ranges::any_of(secrets, [&](std::string_view one) { return same_name(one, name); });
}

/// The fields of a request, and whose texts they are.
struct Written {
  std::vector<Field> fields;
  std::string_view authority;

  void add_missing(std::string_view name, std::string_view value) {
    if (!Fields(fields).find(name)) fields.push_back({name, value});
  }
};

Written fields_of(const FetchRequest& request, const FetchFlags& flags) {
  Written written;
  for (const auto& [name, value] : flags.fields) {
    if (!request.at_origin && is_secret(name)) continue;
    if (!same_name(name, "host")) {
      written.fields.push_back({name, value});
    } else if (request.at_origin) {
      written.authority = value;
    }
  }
  written.add_missing("user-agent", "ringfort/" RINGFORT_VERSION);
  written.add_missing("accept", "*/*");
  return written;
}

/// A redirection's own are none.
std::string credentials_of(const FetchRequest& request, const FetchFlags& flags) {
  const std::string_view user = parse_url(flags.url).value().user_information;
  return request.at_origin && !user.empty() ? basic_credentials(user) : "";
}

} // namespace

FetchRequest first_request(const FetchFlags& flags) {
  FetchRequest request{.url = flags.url,
                       .method = flags.method,
                       .sends_body = flags.data.has_value(),
                       .redirects_left = flags.redirects_max};
  const char* implied = flags.head_only ? "HEAD" : flags.data ? "POST" : "GET";
  if (request.method.empty()) request.method = implied;
  return request;
}

Destination destination_of(const FetchRequest& request, const FetchFlags& flags,
                           const ProxyRules& proxies) {
  const Url url = parse_url(request.url).value();
  Destination destination = url.destination();
  if (const Proxy* const proxy = proxies.choose(destination)) destination.proxy = *proxy;
  for (const ResolvedName& name : flags.resolved) {
    const bool meant = same_name(name.host, url.host) && name.port == url.port;
    if (meant) destination.connect_host = name.address;
  }
  if (!request.at_origin) return destination;
  if (flags.connect_to) {
    destination.connect_host = flags.connect_to->host;
    destination.connect_port = flags.connect_to->port;
  }
  destination.server_name = flags.server_name;
  destination.unix_path = flags.unix_path;
  return destination;
}

Call ask(Client& client, Errand& errand, const FetchRequest& request, const FetchFlags& flags,
         const Destination& destination, const FetchBody& body) {
  const Url url = parse_url(request.url).value();
  Written written = fields_of(request, flags);
  const std::string credentials = credentials_of(request, flags);
  if (!credentials.empty()) written.add_missing("authorization", credentials);
  Request sent{.method = request.method,
               .target = url.target,
               .authority = written.authority,
               .fields = written.fields};
  if (request.sends_body) {
    sent.body = Payload::forever(body.text()); // The flags outlive the client.
    sent.streams = body.streams();
    sent.length = body.length();
    sent.expects_continue = flags.expects_continue;
  }
  return client.call(errand, destination, std::move(sent));
}

Redirection redirection_of(const FetchRequest& request, const Response& response,
                           const FetchFlags& flags, const FetchBody& body) {
  const auto location = response.fields.find("location");
  if (flags.redirects_max == 0 || !is_redirection(response.status) || !location) return {};
  const auto refused = [](std::string why) { return Redirection{.next = {}, .refusal = why}; };
  if (request.redirects_left == 0) return refused("there are more redirections than --follow says");
  const Url here = parse_url(request.url).value();
  FetchRequest next = request;
  next.url = resolved_url(here, *location);
  const auto there = parse_url(next.url);
  if (!there) return refused("it redirects to what is no URL of http:// or https://");
  if (here.encrypted && !there->encrypted && !flags.follows_to_http) {
    return refused("it redirects from https:// to " + origin_of(*there) +
                   ": --follow-to-http goes there, in clear text");
  }
  next.redirects_left -= 1;
  next.at_origin = request.at_origin && origin_of(here) == origin_of(*there);
  next.method = method_after(response.status, request.method);
  next.sends_body = request.sends_body && next.method == request.method;
  if (next.sends_body && !body.repeats()) {
    return refused("it wants the body again, and standard input has been sent");
  }
  return {.next = std::move(next), .refusal = {}};
}

} // namespace ringfort::cli
