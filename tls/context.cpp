#include "tls/context.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

#include <openssl/rand.h>

#include "tls/shard_context.hpp"

namespace ringfort::tls {

namespace {

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(Code::tls_context_unreadable, EISDIR);
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::tls_context_unreadable, errno);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

} // namespace

Result<Identity> load_identity(const std::filesystem::path& chain,
                               const std::filesystem::path& key) {
  auto chain_pem = read_file(chain);
  if (!chain_pem) return std::unexpected(chain_pem.error());
  auto key_pem = read_file(key);
  if (!key_pem) return std::unexpected(key_pem.error());
  return Identity{.chain_pem = std::move(*chain_pem), .key_pem = std::move(*key_pem)};
}

Result<Context> Context::create(ContextOptions options) {
  constexpr std::uint8_t tickets_max = 8;
  if (options.identities.empty() || options.tickets > tickets_max) {
    return fail(Code::config_invalid);
  }
  if (options.version_min > options.version_max) return fail(Code::tls_context_version_range);
  auto description = std::make_shared<Description>();
  description->options = std::move(options);
  auto& keys = description->ticket_keys;
  auto* const bytes = reinterpret_cast<unsigned char*>(keys.data());
  if (RAND_bytes(bytes, static_cast<int>(keys.size())) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  Context context(std::move(description));
  // A trial build: what a shard will need later either works now or is refused now.
  if (auto trial = ShardContext::create(context); !trial) return std::unexpected(trial.error());
  return context;
}

const ContextOptions& Context::options() const noexcept { return description_->options; }

} // namespace ringfort::tls
