// session_flags — which sessions are resumed, who the clients have to be, and who may look on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <ringfort/tls.hpp>

#include "cli/complaints.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct SessionFlags {
  std::string ticket_keys; ///< a file; empty: generated
  std::chrono::seconds ticket_rotation{3'600};
  std::chrono::seconds ticket_lifetime{7'200};
  bool end_with_certificate = false; ///< sessions, when the certificate is replaced

  tls::ClientCertificates::Mode clients = tls::ClientCertificates::Mode::none;
  std::string authorities; ///< a file
  std::string revocations; ///< a file
  std::uint8_t depth = 3;

  std::string key_log; ///< a file; empty: nothing is told

  bool none() const noexcept {
    return ticket_keys.empty() && clients == tls::ClientCertificates::Mode::none &&
           authorities.empty() && revocations.empty() && key_log.empty();
  }
};

/// Borrow: `flags` until the command line has been parsed.
void add_session_flags(CLI::App& app, SessionFlags& flags);

/// What is missing or too much among them. Empty: all is well.
std::string contradiction_of(const SessionFlags& flags);

/// Fills in what the flags say, and what their files hold. False after a complaint.
bool use(const SessionFlags& flags, tls::ContextOptions& options, Complaints& complaints);

/// What the files hold now: ticket keys, authorities, revocation lists. They are taken together or
/// not at all. False after a complaint.
bool read_files(const SessionFlags& flags, tls::ContextOptions& options, Complaints& complaints);

/// In how many of the files the options differ.
std::size_t changed_files(const tls::ContextOptions& one, const tls::ContextOptions& other);

/// The paths of those that were given.
std::vector<std::string> files_of(const SessionFlags& flags);

} // namespace ringfort::cli
