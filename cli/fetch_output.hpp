// fetch_output — where an answer goes: standard output, a file, or nowhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringfort/client.hpp>

#include "cli/complaints.hpp"
#include "cli/descriptor.hpp"
#include "cli/fetch_flags.hpp"
#include "cli/progress.hpp"

namespace ringfort::cli {

class FetchOutput {
public:
  /// Takes the head of an answer that is to be seen, and opens the file: what lies there is
  /// replaced only now. False after a complaint.
  bool begin(const FetchFlags& flags, const Response& response, Complaints& complaints);
  /// Without begin() it is dropped. Blocks as long as its reader does. False after a complaint.
  bool write(Bytes piece, Complaints& complaints);
  void finish();

private:
  bool write_all(std::string_view text, Complaints& complaints) const;

  int target_ = -1; ///< negative: nowhere
  Descriptor file_;
  std::string name_;
  std::optional<Progress> progress_;
};

} // namespace ringfort::cli
