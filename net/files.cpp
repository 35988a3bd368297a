// files — opens a root, and writes what file_answer has chosen, one piece after the other.
#include <ringfort/files.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>

#include <ringfort/target.hpp>

#include "http/field_lines.hpp"
#include "net/file_answer.hpp"
#include "net/file_root.hpp"

namespace ringfort {

namespace {

/// What is read at a time, and all that a download holds of its file.
constexpr std::size_t piece_bytes_max = 65'536;
/// A piece that fits beside the handler in its exchange's arena.
constexpr std::size_t arena_piece_bytes_max = 8'192;

/// Where the pieces of a file are read into.
class Piece {
public:
  Piece(Exchange& exchange, std::uint64_t wanted) {
    const std::size_t bytes = std::min<std::uint64_t>(wanted, piece_bytes_max);
    void* place = bytes <= arena_piece_bytes_max ? exchange.arena().allocate(bytes, 1) : nullptr;
    if (place == nullptr) {
      own_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      place = own_.get();
    }
    memory_ = {static_cast<std::byte*>(place), bytes};
  }

  MutableBytes memory() const noexcept { return memory_; }

private:
  std::unique_ptr<std::byte[]> own_;
  MutableBytes memory_;
};

std::uint64_t longest(std::span<const http::ByteRange> ranges) noexcept {
  std::uint64_t bytes = 0;
  for (const http::ByteRange& range : ranges) bytes = std::max(bytes, range.bytes());
  return bytes;
}

Task<> send_file(Exchange& exchange, const net::FileRoot& root, std::string_view path) {
  net::FileAnswer answer;
  auto body = net::begin_file(exchange, root, path, answer);
  if (!body) co_return;
  const Piece piece(exchange, longest(answer.all()));
  for (const http::ByteRange& range : answer.all()) {
    if (answer.parts) {
      const auto head = answer.parts->head(range);
      if (!co_await body->write(head.view())) co_return;
    }
    for (std::uint64_t at = range.first; at <= range.last;) {
      const std::uint64_t left = range.last - at + 1;
      const MutableBytes space = piece.memory();
      const auto wanted = space.first(std::min<std::uint64_t>(left, space.size()));
      const std::size_t bytes = answer.file.read(wanted, at);
      if (bytes == 0) co_return; // It has shrunk: to cut the answer says so, padding would not.
      if (!co_await body->write(wanted.first(bytes))) co_return;
      at += bytes;
    }
  }
  if (answer.parts) {
    const auto end = answer.parts->end();
    if (!co_await body->write(end.view())) co_return;
  }
  (void)co_await body->finish();
}

/// The position of a value that is none, from 1; 0 when all are usable.
std::int32_t broken_option(const FileOptions& options) noexcept {
  constexpr std::string_view not_in_names("/\0", 2);
  constexpr std::size_t name_bytes_max = 255; // NAME_MAX
  const std::string& index = options.index;
  const bool no_name = index.find_first_of(not_in_names) != std::string::npos || index == "." ||
                       index == ".." || index.size() > name_bytes_max;
  if (no_name) return 1;
  const std::array fields{Field{"cache-control", options.cache_control}};
  return http::may_send(fields) ? 0 : 2;
}

} // namespace

Result<Files> Files::open(const std::string& directory, FileOptions options) noexcept {
  if (const auto broken = broken_option(options); broken != 0) {
    return fail(Code::config_invalid, broken);
  }
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail(Code::config_root_unusable, errno);
  auto root = std::make_unique<const net::FileRoot>(descriptor, std::move(options));
  // A sandbox that knows no openat2 says so now, and not to each client.
  const net::OpenFile itself = root->open("");
  if (itself.kind() != net::OpenFile::Kind::directory) {
    return fail(Code::config_root_unusable, errno);
  }
  return Files(std::move(root));
}

Files::Files(std::unique_ptr<const net::FileRoot> root) noexcept : root_(std::move(root)) {}
Files::Files(Files&& other) noexcept = default;
Files& Files::operator=(Files&& other) noexcept = default;
Files::~Files() = default;

Task<> Files::serve(Exchange& exchange, std::string_view path) const {
  return send_file(exchange, *root_, path);
}

std::unique_ptr<Service> Files::service() const {
  return ringfort::service([root = root_.get()](Exchange& exchange) {
    constexpr std::string_view no_file = "."; // Where the target has no path.
    const std::string_view path = path_of(exchange.head().target);
    return send_file(exchange, *root, path.empty() ? no_file : path.substr(1));
  });
}

} // namespace ringfort
