// reloads — reading a running program's files again: who asks for it, and what came of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <ringfort/engine.hpp>

#include "cli/admin.hpp"
#include "cli/file_watch.hpp"
#include "cli/serve_flags.hpp"
#include "cli/upstream_rows.hpp"

namespace ringfort::cli {

class KeyLogFile;
class ServedNames;

class Reloads {
public:
  /// `served` is null for clear text, `key_log` when nothing is told.
  /// Borrow: everything, for its life.
  Reloads(Engine& engine, const Logs& logs, Gateways& gateways, ServedNames* served,
          KeyLogFile* key_log)
      : engine_(engine), logs_(logs), upstreams_(gateways, engine), served_(served),
        key_log_(key_log) {}

  /// For more commands. Before start().
  Admin& admin() noexcept { return admin_; }
  /// Watches the files and answers at the admin socket, as the flags say. False after a complaint.
  /// `urls` is where the program listens, `spans` what is protected, hop by hop, a line for each.
  /// `admin_socket` is a predecessor's that listens at the flags' path; none: it is made.
  bool start(const ServeFlags& flags, const std::string& urls, const std::string& spans,
             Descriptor admin_socket, Complaints& complaints);

  /// Whose wish it is. Who asks has moved the key log away: it is opened again. A changed file says
  /// nothing of that one, whose own opening may be the change.
  enum class Wish { asked, file_changed };
  /// Where: any thread.
  Admin::Answer reload(Wish wish);

  struct Counts {
    std::uint64_t all = 0;
    std::uint64_t refused = 0; ///< those that refused something
  };
  Counts counts() const noexcept { return {all_.load(), refused_.load()}; }
  /// The engine's counters, the logs', the upstreams' and these, in the Prometheus text form.
  std::string metrics_text() const;

private:
  Engine& engine_;
  const Logs& logs_;
  UpstreamRows upstreams_;
  ServedNames* served_;
  KeyLogFile* key_log_;
  std::atomic<std::uint64_t> all_{0};
  std::atomic<std::uint64_t> refused_{0};
  FileWatch watch_;
  Admin admin_;
};

} // namespace ringfort::cli
