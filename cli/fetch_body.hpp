// fetch_body — the body that `ringfort fetch` sends: text, a file, or standard input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringfort/client.hpp>
#include <ringfort/errand.hpp>
#include <ringfort/task.hpp>

#include "cli/complaints.hpp"
#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// What --data says. Calls share it: each reads a file from its beginning.
class FetchBody {
public:
  /// Of no --data there is none. Empty after a complaint.
  static std::optional<FetchBody> open(const std::optional<std::string>& data,
                                       Complaints& complaints);

  bool none() const noexcept { return kind_ == Kind::none; }
  bool streams() const noexcept { return kind_ == Kind::file || kind_ == Kind::pipe; }
  /// Whether it can be sent a second time.
  bool repeats() const noexcept { return kind_ != Kind::pipe; }
  /// Of a body that does not stream.
  std::string_view text() const noexcept { return streams() ? std::string_view() : data_; }
  /// Nothing for what is read until it ends.
  std::optional<std::uint64_t> length() const noexcept { return length_; }
  /// The file, for messages.
  const std::string& name() const noexcept { return data_; }

  /// Something can be read without waiting, its end included.
  bool ready() const noexcept;
  /// How many bytes came; 0: the end; negative: errno says why. `offset` counts what came before.
  ssize_t read(MutableBytes into, std::uint64_t offset) const noexcept;

private:
  enum class Kind { none, text, file, pipe };

  Kind kind_ = Kind::none;
  std::string data_; ///< the text, or the file's name
  Descriptor file_;
  std::optional<std::uint64_t> length_;
};

/// Streams the body, until its end or until `answered`. What cannot be read is complained of: the
/// caller has to cut the request then, so that no server takes a part for the whole.
/// Errors: those of Call::write().
Task<Result<>> send_body(Errand& errand, Call& call, const FetchBody& body, const bool& answered,
                         Complaints& complaints);

} // namespace ringfort::cli
