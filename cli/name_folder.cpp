#include "cli/name_folder.hpp"

#include <cerrno>
#include <filesystem>

#include <sys/stat.h>

namespace ringfort::cli {

namespace {

constexpr std::string_view chain_suffix = ".pem";
constexpr std::string_view key_suffix = ".key";
constexpr std::string_view wildcard = "*.";
constexpr std::string_view wildcard_of_files = "_.";

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string with_prefix(std::string_view text, std::string_view prefix, std::string_view instead) {
  if (!text.starts_with(prefix)) return std::string(text);
  return std::string(instead).append(text.substr(prefix.size()));
}

} // namespace

NamedFiles::NamedFiles(const std::string& folder, std::string_view pattern)
    : chain(folder + '/' + with_prefix(pattern, wildcard, wildcard_of_files)), key(chain) {
  chain += chain_suffix;
  key += key_suffix;
}

std::optional<Stamp> NamedFiles::stamp() const {
  struct stat of_chain {};
  struct stat of_key {};
  if (::stat(chain.c_str(), &of_chain) != 0 || ::stat(key.c_str(), &of_key) != 0) return {};
  return Stamp{nanoseconds(of_chain.st_mtim), nanoseconds(of_key.st_mtim), of_chain.st_ino,
               of_key.st_ino};
}

std::optional<NameFolder> scan_name_folder(const std::string& folder, ExitStatus& status) {
  std::error_code error;
  std::filesystem::directory_iterator files(folder, error);
  NameFolder stamps;
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    const std::string file = files->path().filename().string();
    if (!file.ends_with(chain_suffix) || file.starts_with('.')) continue;
    const std::string stem = file.substr(0, file.size() - chain_suffix.size());
    std::string pattern = with_prefix(stem, wildcard_of_files, wildcard);
    const auto stamp = NamedFiles(folder, pattern).stamp();
    if (!stamp) {
      status = complain({.code = Code::tls_context_empty_identity},
                        files->path().string() + ": no " + stem + ".key beside it");
      return {};
    }
    stamps.emplace(std::move(pattern), *stamp);
  }
  if (!error) return stamps;
  status = complain({.code = Code::tls_context_unreadable, .detail = error.value()}, folder);
  return {};
}

} // namespace ringfort::cli
