#include "cli/name_folder.hpp"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::cli {

namespace {

constexpr std::string_view chain_suffix = ".pem";
constexpr const char* key_suffix = ".key";
constexpr std::string_view wildcard = "*.";
constexpr std::string_view wildcard_of_files = "_.";

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string with_prefix(std::string_view text, std::string_view prefix, std::string_view instead) {
  if (!text.starts_with(prefix)) return std::string(text);
  return std::string(instead).append(text.substr(prefix.size()));
}

/// Empty when one of them is missing. Paths are walked from the folder: with many names, most of
/// the cost would be the walk to it.
std::optional<Stamp> stamp_of(int folder, const char* chain, const std::string& key) {
  struct stat of_chain {};
  struct stat of_key {};
  if (::fstatat(folder, chain, &of_chain, 0) != 0) return {};
  if (::fstatat(folder, key.c_str(), &of_key, 0) != 0) return {};
  return Stamp{nanoseconds(of_chain.st_mtim), nanoseconds(of_key.st_mtim), of_chain.st_ino,
               of_key.st_ino};
}

} // namespace

NamedFiles::NamedFiles(const std::string& folder, std::string_view pattern)
    : chain(folder + '/' + with_prefix(pattern, wildcard, wildcard_of_files)), key(chain) {
  chain += chain_suffix;
  key += key_suffix;
}

std::optional<NameFolder> scan_name_folder(const std::string& folder, ExitStatus& status) {
  const std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })> files(
      ::opendir(folder.c_str()));
  NameFolder stamps;
  errno = files ? 0 : errno;
  for (const dirent* entry = nullptr; files && (entry = ::readdir(files.get())) != nullptr;) {
    const std::string_view chain(entry->d_name);
    if (!chain.ends_with(chain_suffix) || chain.starts_with('.')) continue;
    const std::string stem(chain.substr(0, chain.size() - chain_suffix.size()));
    const auto stamp = stamp_of(::dirfd(files.get()), entry->d_name, stem + key_suffix);
    if (!stamp) {
      status = complain({.code = Code::tls_context_empty_identity},
                        folder + '/' + entry->d_name + ": no " + stem + ".key beside it");
      return {};
    }
    stamps.emplace(with_prefix(stem, wildcard_of_files, wildcard), *stamp);
    errno = 0; // What readdir(3) sets on failure alone.
  }
  if (errno == 0) return stamps;
  status = complain({.code = Code::tls_context_unreadable, .detail = errno}, folder);
  return {};
}

} // namespace ringfort::cli
