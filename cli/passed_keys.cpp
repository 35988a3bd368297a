#include "cli/passed_keys.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/complaints.hpp"
#include "cli/inherited.hpp"

namespace ringfort::cli {

namespace {

constexpr unsigned noexec_seal = 0x0008; // MFD_NOEXEC_SEAL, which C libraries do not know yet

/// Where vm.memfd_noexec is 2 there is none without that seal, and before Linux 6.3 none with it.
Descriptor open_in_memory() {
  const char* const name = inherited_ticket_keys.data();
  Descriptor sealed(::memfd_create(name, MFD_CLOEXEC | noexec_seal));
  if (sealed || errno != EINVAL) return sealed;
  return Descriptor(::memfd_create(name, MFD_CLOEXEC));
}

void erase(std::vector<std::byte>& bytes) { explicit_bzero(bytes.data(), bytes.size()); }

} // namespace

Descriptor write_passed_keys(const tls::TicketKeys& keys) {
  std::vector<std::byte> snapshot = keys.snapshot();
  if (snapshot.empty()) return {};
  Descriptor file = open_in_memory();
  const bool whole = file && ::pwrite(file.get(), snapshot.data(), snapshot.size(), 0) ==
                                 static_cast<ssize_t>(snapshot.size());
  erase(snapshot);
  if (whole) return file;
  warn("ticket keys", "they cannot be passed on: the successor resumes no session of this process");
  return {};
}

std::optional<tls::TicketKeys> read_passed_keys(const Descriptor& file) {
  constexpr std::size_t snapshot_bytes_max = 65'536; // Another version's may be longer.
  std::vector<std::byte> snapshot(snapshot_bytes_max);
  const auto bytes = ::pread(file.get(), snapshot.data(), snapshot.size(), 0);
  snapshot.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  auto keys = tls::TicketKeys::from_snapshot(snapshot);
  erase(snapshot);
  if (keys) return std::move(*keys);
  warn("ticket keys", "those of the predecessor cannot be used: its sessions are not resumed");
  return {};
}

} // namespace ringfort::cli
