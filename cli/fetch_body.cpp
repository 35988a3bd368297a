#include "cli/fetch_body.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

constexpr std::size_t piece_bytes = 65'536;

} // namespace

std::optional<FetchBody> FetchBody::open(const std::optional<std::string>& data,
                                         Complaints& complaints) {
  FetchBody body;
  if (!data) return body;
  body.kind_ = Kind::text;
  body.data_ = *data;
  if (!data->starts_with('@')) return body;
  const bool standard = body.data_ == "@-";
  body.data_ = standard ? "standard input" : data->substr(1);
  body.file_ = Descriptor(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                   : ::open(body.data_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!body.file_ || ::fstat(body.file_.get(), &facts) != 0) {
    complaints.add("--data " + body.data_, std::strerror(errno));
    return {};
  }
  const bool whole = !standard && S_ISREG(facts.st_mode);
  body.kind_ = whole ? Kind::file : Kind::pipe;
  if (whole) body.length_ = static_cast<std::uint64_t>(facts.st_size);
  return body;
}

bool FetchBody::ready() const noexcept {
  if (kind_ == Kind::file) return true;
  pollfd waiting{file_.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) != 0;
}

ssize_t FetchBody::read(MutableBytes into, std::uint64_t offset) const noexcept {
  // A file that grows meanwhile is sent as long as it was announced.
  const std::size_t bytes =
      std::min<std::uint64_t>(into.size(), length_.value_or(UINT64_MAX) - (length_ ? offset : 0));
  while (true) {
    const ssize_t read = kind_ == Kind::file
                             ? ::pread(file_.get(), into.data(), bytes, static_cast<off_t>(offset))
                             : ::read(file_.get(), into.data(), bytes);
    if (read >= 0 || errno != EINTR) return read;
  }
}

Task<Result<>> send_body(Errand& errand, Call& call, const FetchBody& body, const bool& answered,
                         Complaints& complaints) {
  // The shard's thread may not wait for a pipe: connections live on it.
  constexpr std::chrono::milliseconds pipe_interval{10};
  std::vector<std::byte> piece(piece_bytes);
  std::uint64_t offset = 0;
  while (!answered) {
    if (!body.ready()) {
      const Result<> slept = co_await errand.sleep(pipe_interval);
      if (!slept) co_return std::unexpected(slept.error());
      continue;
    }
    const ssize_t read = body.read(piece, offset);
    if (read < 0) {
      complaints.add("--data " + body.name(), std::strerror(errno));
      break;
    }
    const auto bytes = static_cast<std::size_t>(read);
    if (bytes == 0) {
      const Result<> finished = co_await call.finish();
      co_return answered ? Result<>() : finished;
    }
    const Result<> written = co_await call.write(Bytes(piece).first(bytes));
    // What has been answered did not fail, whatever became of the rest.
    if (!written && !answered) co_return written;
    offset += bytes;
  }
  co_return Result<>();
}

} // namespace ringfort::cli
