// upstream_rows — the servers behind this program, of its gateways and of what it passes through.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/engine.hpp>
#include <ringfort/metrics_text.hpp>

#include "cli/gateways.hpp"

namespace ringfort::cli {

/// Borrow: both, for its life. Where: any thread.
class UpstreamRows {
public:
  UpstreamRows(Gateways& gateways, Engine& engine) noexcept
      : gateways_(gateways), engine_(engine) {}

  std::vector<UpstreamReport> all() const;
  void write_metrics(MetricsText& text) const;
  /// The server of this name in each route, drained or restored; how often it is there.
  std::size_t drain(std::string_view server, bool drained);

private:
  Gateways& gateways_;
  Engine& engine_;
};

} // namespace ringfort::cli
