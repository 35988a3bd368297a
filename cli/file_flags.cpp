#include "cli/file_flags.hpp"

#include <utility>

#include <CLI/CLI.hpp>

#include "cli/complaints.hpp"

namespace ringfort::cli {

void add_file_flags(CLI::App& app, FileFlags& flags) {
  CLI::Option* root =
      app.add_option("--root", flags.root, "serve the files below this directory, but dot files")
          ->type_name("DIR");
  app.add_option("--index", flags.options.index,
                 "what stands for a directory; empty: nothing, which is 404")
      ->type_name("NAME")
      ->capture_default_str()
      ->needs(root);
  app.add_option("--cache-control", flags.options.cache_control,
                 "what is said with each file about keeping it, for instance max-age=3600")
      ->type_name("VALUE")
      ->needs(root);
  app.add_flag("--dot-files", flags.options.dot_files,
               "serve names that begin with a dot too, not only .well-known")
      ->needs(root);
  app.add_flag_callback(
         "--no-precompressed", [&flags] { flags.options.precompressed = false; },
         "do not send FILE.br or FILE.gz for FILE to who accepts that")
      ->needs(root);
}

bool open_files(const FileFlags& flags, std::optional<Files>& files, ExitStatus& status) {
  if (flags.root.empty()) return true;
  auto opened = Files::open(flags.root, flags.options);
  if (opened) {
    files.emplace(std::move(*opened));
    return true;
  }
  const bool of_option = opened.error().code == Code::config_invalid;
  constexpr const char* option_names[] = {"--index", "--cache-control"};
  status = complain(opened.error(),
                    of_option ? option_names[opened.error().detail - 1] : flags.root.c_str());
  return false;
}

} // namespace ringfort::cli
