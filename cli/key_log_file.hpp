// key_log_file — the secrets of handshakes in a file that only its owner may read.
#pragma once

#include <memory>
#include <string>

#include <ringfort/key_log.hpp>

#include "cli/descriptor.hpp"
#include "cli/exit_status.hpp"

namespace ringfort::cli {

class KeyLogFile final : public tls::KeyLog {
public:
  /// Appends to the file, or makes it with mode 0600. One that others may open, that is not ours,
  /// that has a second name or is no plain file is refused.
  /// Empty after a complaint, whose status is in `status`.
  static std::unique_ptr<KeyLogFile> open(const std::string& path, ExitStatus& status);
  void write(std::string_view line) noexcept override;

private:
  explicit KeyLogFile(Descriptor file) noexcept : file_(std::move(file)) {}

  Descriptor file_;
};

} // namespace ringfort::cli
