// Drives one fuzz target without a fuzzer: its corpus, then inputs made from it by a generator with
// a fixed start, so that every test run tries the same ones; and all of them once more with the
// target's defect planted, which must be noticed.  fixed-inputs NAME COUNT CORPUS
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/target.hpp"
#include "tests/sim/prng.hpp"

namespace {

using ringfort::sim::Prng;
using Inputs = std::vector<std::string>;

// For the last words.
std::string tried;
std::string tried_path;

Inputs read_corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  Inputs corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

/// Changes a few bytes, drops or doubles a stretch, or splices another input in.
std::string mutated(Prng& prng, const Inputs& corpus) {
  std::string input = corpus[prng.below(corpus.size())];
  for (auto changes = prng.between(1, 6); changes > 0; --changes) {
    const std::size_t at = prng.below(input.size() + 1);
    const std::size_t bytes = prng.below(20);
    switch (prng.below(5)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(prng.below(256));
      break;
    case 1: input.erase(at, bytes); break;
    case 2: input.insert(at, input.substr(at, bytes)); break;
    case 3: input.insert(at, corpus[prng.below(corpus.size())].substr(0, 4 * bytes)); break;
    default: input.insert(at, bytes, static_cast<char>(prng.below(256))); break;
    }
  }
  return input;
}

void try_one(std::string input) {
  tried = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(tried.data()), tried.size());
}

void try_corpus(const Inputs& corpus) {
  for (const std::string& input : corpus) try_one(input);
}

void try_mutants(const Inputs& corpus, long count) {
  for (Prng prng(1); count > 0; --count) try_one(mutated(prng, corpus));
}

/// Keeps the input that ends the program, as a fuzzer does.
void on_abort(int) {
  const int file = ::open(tried_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const bool kept = file >= 0 && ::write(file, tried.data(), tried.size()) >= 0;
  for (const std::string_view text : {std::string_view(kept ? "the input: " : "not kept: "),
                                      std::string_view(tried_path), std::string_view("\n")}) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
  }
}

/// In a process of its own, which is to end.
bool notices_planted_defect(const Inputs& corpus, long count) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    (void)!std::freopen("/dev/null", "w", stderr);
    ::setenv(ringfort::fuzz::planted_variable, "1", 1);
    try_corpus(corpus);
    try_mutants(corpus, count);
    ::_exit(0);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
         WTERMSIG(status) == SIGABRT;
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 4) return 64;
  const char* const name = arguments[1];
  const long count = std::atol(arguments[2]);
  const Inputs corpus = read_corpus(arguments[3]);
  if (corpus.empty()) return 66;
  tried_path = std::string(arguments[0]) + ".input";
  std::signal(SIGABRT, on_abort);
  std::printf("1..3\n");
  std::fflush(stdout);
  try_corpus(corpus);
  std::printf("ok 1 - fuzz: %s holds for its corpus of %zu\n", name, corpus.size());
  std::fflush(stdout);
  try_mutants(corpus, count);
  std::printf("ok 2 - fuzz: %s holds for %ld inputs made from it\n", name, count);
  std::fflush(stdout);
  const bool noticed = notices_planted_defect(corpus, count);
  std::printf("%sok 3 - fuzz: %s notices its planted defect\n", noticed ? "" : "not ", name);
  return noticed ? 0 : 1;
}
