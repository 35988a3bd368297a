// ledger — what became of each request, as its client was told: written to a file, a line for each.
//
//   ID METHOD END CONNECTION    17 POST answer.none kept
//
// END is `answered`, `wrong` (a whole answer that is not this request's), `unended`, or the name of
// the fault; CONNECTION is `kept` when it had served another call before, else `new`.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/error.hpp>

namespace ringfort::races {

enum class End : std::uint8_t { unended, answered, wrong, failed };

struct Entry {
  std::string_view method;
  End end = End::unended;
  bool kept = false;
  Code code{}; ///< of one that failed
};

class Ledger {
public:
  explicit Ledger(std::size_t request_count) : entries_(request_count) {}

  std::size_t size() const noexcept { return entries_.size(); }
  /// Ids count from 1.
  Entry& of(std::size_t id) noexcept { return entries_[id - 1]; }

  /// False: the file cannot be written.
  bool write(const char* path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "w"), &std::fclose);
    if (!file) return false;
    for (std::size_t id = 1; id <= size(); ++id) {
      const Entry& entry = of(id);
      std::fprintf(file.get(), "%zu %.*s %s %s\n", id, static_cast<int>(entry.method.size()),
                   entry.method.data(), word_of(entry).c_str(), entry.kept ? "kept" : "new");
    }
    return std::fflush(file.get()) == 0;
  }

private:
  static std::string word_of(const Entry& entry) {
    switch (entry.end) {
    case End::unended: return "unended";
    case End::answered: return "answered";
    case End::wrong: return "wrong";
    case End::failed: break;
    }
    return full_name(fault_of(entry.code));
  }

  std::vector<Entry> entries_;
};

} // namespace ringfort::races
