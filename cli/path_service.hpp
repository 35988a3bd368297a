// path_service — a host's services by path, behind a look at the path: servers may make of one what
// routes do not see in it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <ringfort/service.hpp>

namespace ringfort::cli {

/// Dot segments, empty ones, and encoded or backward slashes: "/a/../b", "//b", "/a%2fb", "/a\b".
bool is_ambiguous(std::string_view path);

/// Answers such a path with 400. What has no path (CONNECT, OPTIONS *) is the first service's.
class PathService final : public Service {
public:
  /// `routed` chooses among `services`, of which there is one at least, and borrows them.
  PathService(std::vector<std::unique_ptr<Service>> services, std::unique_ptr<Service> routed)
      : services_(std::move(services)), routed_(std::move(routed)) {}

  void begin(Exchange& exchange) noexcept override;

private:
  std::vector<std::unique_ptr<Service>> services_;
  std::unique_ptr<Service> routed_;
};

} // namespace ringfort::cli
