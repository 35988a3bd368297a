#include "cli/fetch_output.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

constexpr mode_t file_mode = 0666; // The umask says the rest.

std::string head_text(const Response& response) {
  std::string text = "HTTP/1." + std::to_string(response.version_minor) + ' ';
  text.append(std::to_string(response.status)).append("\r\n");
  for (const Field& field : response.fields) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return text.append("\r\n");
}

} // namespace

bool FetchOutput::begin(const FetchFlags& flags, const Response& response, Complaints& complaints) {
  name_ = flags.output.empty() ? "standard output" : "-o " + flags.output;
  if (!flags.output.empty()) {
    file_ = Descriptor(
        ::open(flags.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
    if (!file_) {
      complaints.add(name_, std::strerror(errno));
      return false;
    }
    target_ = file_.get();
    if (!flags.head_only) progress_.emplace(response.length);
  } else if (!flags.json) {
    target_ = STDOUT_FILENO;
  }
  const bool shows_head = flags.shows_head || flags.head_only;
  return !shows_head || write_all(head_text(response), complaints);
}

bool FetchOutput::write(Bytes piece, Complaints& complaints) {
  if (progress_) progress_->add(piece.size());
  return write_all(text_of(piece), complaints);
}

void FetchOutput::finish() {
  if (progress_) progress_->finish();
}

bool FetchOutput::write_all(std::string_view text, Complaints& complaints) const {
  while (target_ >= 0 && !text.empty()) {
    const ssize_t written = ::write(target_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) { // Somebody else has made it non-blocking.
      pollfd waiting{target_, POLLOUT, 0};
      (void)::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      complaints.add(name_, std::strerror(errno));
      return false;
    }
  }
  return true;
}

} // namespace ringfort::cli
