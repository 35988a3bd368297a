// key_log_file — the secrets of handshakes in a file that only its owner may read.
#pragma once

#include <memory>
#include <string>

#include <ringfort/key_log.hpp>

#include "cli/complaints.hpp"
#include "cli/descriptor.hpp"

namespace ringfort::cli {

class KeyLogFile final : public tls::KeyLog {
public:
  /// Appends to the file, or makes it with mode 0600. One that others may open, that is not ours,
  /// that has a second name or is no plain file is refused.
  /// Empty after a complaint.
  static std::unique_ptr<KeyLogFile> open(const std::string& path, Complaints& complaints);
  /// Goes on in the file that lies at the path now, or makes it: the old one was moved away. After
  /// a complaint it goes on where it was. Where: any thread.
  void reopen(Complaints& complaints) const;
  void write(std::string_view line) noexcept override;

private:
  KeyLogFile(std::string path, Descriptor file) noexcept
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  Descriptor file_;
};

} // namespace ringfort::cli
