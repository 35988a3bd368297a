// unix_address — the name of a unix socket (unix(7)): a path, or an abstract name.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace ringfort::engine {

/// A value that the kernel can read in place.
class UnixAddress {
public:
  static constexpr std::size_t name_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

  /// A path, or "@" and an abstract name. Nothing: it is empty, too long or holds a zero byte.
  static std::optional<UnixAddress> parse(std::string_view name) noexcept {
    if (name.empty() || name.size() > name_bytes_max || name.contains('\0')) return {};
    UnixAddress address;
    name.copy(address.storage_.sun_path, name.size());
    const bool abstract = name.starts_with('@');
    if (abstract) address.storage_.sun_path[0] = '\0';
    // An abstract name ends with the address, a path with a zero byte.
    address.size_ =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
    return address;
  }

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

private:
  sockaddr_un storage_{.sun_family = AF_UNIX, .sun_path = {}};
  socklen_t size_ = 0;
};

} // namespace ringfort::engine
