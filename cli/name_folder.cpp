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

/// In the form that names are compared in.
std::string pattern_of(std::string_view stem) {
  std::string pattern = with_prefix(stem, wildcard_of_files, wildcard);
  for (char& letter : pattern) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (pattern.ends_with('.')) pattern.pop_back();
  return pattern;
}

std::string usual_stem(std::string_view pattern) {
  return with_prefix(pattern, wildcard, wildcard_of_files);
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

/// False after a complaint.
bool add(NameFolder& there, const std::string& folder, int descriptor, const char* chain,
         Complaints& complaints) {
  const std::string_view file(chain);
  const std::string stem(file.substr(0, file.size() - chain_suffix.size()));
  const auto stamp = stamp_of(descriptor, chain, stem + key_suffix);
  if (!stamp) {
    complaints.add({.code = Code::tls_context_empty_identity},
                   folder + '/' + chain + ": no " + stem + ".key beside it");
    return false;
  }
  std::string pattern = pattern_of(stem);
  if (!there.stamps.emplace(pattern, *stamp).second) {
    complaints.add(folder + '/' + chain, "another file of the folder is for " + pattern + " too");
    return false;
  }
  if (stem != usual_stem(pattern)) there.spellings.emplace(std::move(pattern), stem);
  return true;
}

} // namespace

NamedFiles::NamedFiles(const std::string& folder, const Spellings& spellings,
                       std::string_view pattern) {
  const auto spelling = spellings.find(pattern);
  const std::string stem = spelling == spellings.end() ? usual_stem(pattern) : spelling->second;
  chain = folder + '/' + stem;
  key = chain + key_suffix;
  chain += chain_suffix;
}

IdentityFlags flags_of(const NamedFiles& pair, const IdentityFlags& all) {
  IdentityFlags flags = all;
  flags.certs = {pair.chain};
  flags.keys = {pair.key};
  flags.pkcs12.clear();
  return flags;
}

void warn_of_empty(const std::string& folder) {
  warn(folder, "it holds no NAME.pem: no name is served from it");
}

std::optional<NameFolder> scan_name_folder(const std::string& folder, Complaints& complaints) {
  const std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })> files(
      ::opendir(folder.c_str()));
  NameFolder there;
  errno = files ? 0 : errno;
  for (const dirent* entry = nullptr; files && (entry = ::readdir(files.get())) != nullptr;) {
    const std::string_view chain(entry->d_name);
    if (!chain.ends_with(chain_suffix) || chain.starts_with('.')) continue;
    if (!add(there, folder, ::dirfd(files.get()), entry->d_name, complaints)) return {};
    errno = 0; // What readdir(3) sets on failure alone.
  }
  if (errno == 0) return there;
  complaints.add({.code = Code::tls_context_unreadable, .detail = errno}, folder);
  return {};
}

} // namespace ringfort::cli
