// complaints — what was refused, and why: one line each on standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_status.hpp"

namespace ringfort::cli {

struct Complaint {
  std::string code;   ///< "tls_context.key_mismatch", a row of fault.def; may be empty
  std::string about;  ///< a file or a flag; may be empty
  std::string reason; ///< one sentence for people, with the system's own words where it has any

  /// "code: about: reason".
  std::string line() const;
};

Complaint complaint_of(const Error& error, std::string_view about = {});

/// Says it on standard error, and answers the status to end with.
ExitStatus complain(const Error& error, std::string_view about = {});

/// Says what does not keep the program from working, as a warning, on standard error.
void warn(std::string_view about, std::string_view text);

/// Says each as it is found, and keeps it for whoever asked.
class Complaints {
public:
  void add(const Error& error, std::string_view about);
  /// Of what has no row of its own: a setting that cannot be used.
  void add(std::string about, std::string reason);

  bool none() const noexcept { return all_.empty(); }
  /// Of the last one; ok without any.
  ExitStatus status() const noexcept { return status_; }
  const std::vector<Complaint>& all() const noexcept { return all_; }

private:
  std::vector<Complaint> all_;
  ExitStatus status_ = ExitStatus::ok;
};

} // namespace ringfort::cli
