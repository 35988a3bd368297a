#include "cli/file_handler.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringfort/answers.hpp>

#include "cli/handlers.hpp"
#include "cli/percent.hpp"

namespace ringfort::cli {

namespace {

constexpr std::size_t piece_bytes = 65'536;

struct ContentType {
  std::string_view suffix;
  std::string_view type;
};

constexpr std::array content_types{
    ContentType{".html", "text/html; charset=utf-8"},
    ContentType{".css", "text/css; charset=utf-8"},
    ContentType{".js", "text/javascript; charset=utf-8"},
    ContentType{".mjs", "text/javascript; charset=utf-8"},
    ContentType{".json", "application/json"},
    ContentType{".txt", "text/plain; charset=utf-8"},
    ContentType{".md", "text/markdown; charset=utf-8"},
    ContentType{".svg", "image/svg+xml"},
    ContentType{".png", "image/png"},
    ContentType{".jpg", "image/jpeg"},
    ContentType{".jpeg", "image/jpeg"},
    ContentType{".gif", "image/gif"},
    ContentType{".webp", "image/webp"},
    ContentType{".ico", "image/vnd.microsoft.icon"},
    ContentType{".woff2", "font/woff2"},
    ContentType{".wasm", "application/wasm"},
    ContentType{".pdf", "application/pdf"},
    ContentType{".xml", "application/xml"},
};

std::string_view content_type_of(std::string_view path) noexcept {
  const auto known = std::ranges::find_if(
      content_types, [path](const ContentType& row) { return path.ends_with(row.suffix); });
  return known == content_types.end() ? "application/octet-stream" : known->type;
}

/// An open regular file.
class File {
public:
  explicit File(int descriptor) noexcept : opened_(descriptor) {}

  explicit operator bool() const noexcept { return static_cast<bool>(opened_); }
  struct stat status() const noexcept {
    struct stat status {};
    (void)::fstat(opened_.get(), &status);
    return status;
  }
  ssize_t read(MutableBytes out) const noexcept {
    return ::read(opened_.get(), out.data(), out.size());
  }

private:
  Descriptor opened_;
};

// O_NONBLOCK: opening a FIFO may not hang the shard; O_PATH tricks are not needed for files.
File open_beneath(int root, const std::string& path) noexcept {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const char* relative = path.empty() ? "." : path.c_str();
  return File(static_cast<int>(::syscall(SYS_openat2, root, relative, &how, sizeof how)));
}

/// Dot files are mostly not meant for others; /.well-known/ is (RFC 8615).
bool is_hidden(const std::string& path) noexcept {
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.starts_with('.') && part != ".well-known") return true;
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  return false;
}

class FileHandler {
public:
  explicit FileHandler(std::shared_ptr<const RootDirectory> root) : root_(std::move(root)) {}

  Task<> operator()(Exchange& exchange) {
    if (refused_method(exchange)) co_return;
    auto path = decoded_path(exchange.head().target);
    if (!path) {
      answer_text(exchange, 400, "the path is not valid percent-encoding\n");
      co_return;
    }
    path->erase(0, path->find_first_not_of('/'));
    if (is_hidden(*path)) {
      answer_text(exchange, 404, "not found\n");
      co_return;
    }
    File file = open_beneath(root_->descriptor(), *path);
    if (file && S_ISDIR(file.status().st_mode)) {
      if (!path->empty() && !path->ends_with('/')) {
        redirect(exchange);
        co_return;
      }
      path->append("index.html");
      file = open_beneath(root_->descriptor(), *path);
    }
    if (!file || !S_ISREG(file.status().st_mode)) {
      answer_text(exchange, 404, "not found\n");
      co_return;
    }
    const auto size = static_cast<std::uint64_t>(file.status().st_size);
    const std::array fields{Field{"content-type", content_type_of(*path)}};
    BodyWriter response = exchange.stream(200, fields, size);
    if (exchange.head().method != Method::head) {
      std::vector<std::byte> piece(std::min<std::uint64_t>(size, piece_bytes));
      for (std::uint64_t left = size; left > 0;) {
        const std::size_t wanted = std::min<std::uint64_t>(left, piece.size());
        const ssize_t bytes = file.read(MutableBytes(piece).first(wanted));
        if (bytes <= 0) break; // The file has shrunk: finish() reports the wrong length.
        const auto read_bytes = static_cast<std::size_t>(bytes);
        if (!co_await response.write(Bytes(piece).first(read_bytes))) co_return;
        left -= read_bytes;
      }
    }
    (void)co_await response.finish();
  }

private:
  static void redirect(Exchange& exchange) {
    const std::string_view target = exchange.head().target;
    const std::string_view path = target.substr(0, target.find('?'));
    std::string location(path.substr(path.find_first_not_of('/') - 1)); // Never "//host".
    location.append("/").append(target.substr(path.size()));
    exchange.respond(301, std::array{Field{"location", location}},
                     Payload::forever("moved: this is a directory\n"));
  }

  std::shared_ptr<const RootDirectory> root_;
};

} // namespace

std::shared_ptr<const RootDirectory> open_root(const std::string& path) {
  Descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened ? std::make_shared<const RootDirectory>(std::move(opened)) : nullptr;
}

std::unique_ptr<Service> make_file_service(std::shared_ptr<const RootDirectory> root) {
  return service(FileHandler(std::move(root)));
}

} // namespace ringfort::cli
