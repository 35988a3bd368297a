// message — the parts of an HTTP/1.1 head that every room speaks of: method, fields, head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringfort {

/// Methods with a meaning of their own in RFC 9110 and RFC 5789; every other method that the parser
/// knows is `other`, and its name is in Head::method_name.
enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  connect,
  options,
  trace,
  patch,
  other,
};

/// One header field or trailer. Borrow: as its container says.
struct Field {
  std::string_view name;
  std::string_view value;
};

/// ASCII case-insensitive comparison (RFC 9110 section 5.1).
bool same_name(std::string_view one, std::string_view other) noexcept;

/// Header fields in the order received. A view.
class Fields {
public:
  Fields() noexcept = default;
  explicit Fields(std::span<const Field> all) noexcept : all_(all) {}

  /// The first field of that name. Cost: linear in the number of fields.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;

  std::size_t size() const noexcept { return all_.size(); }
  bool empty() const noexcept { return all_.empty(); }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }
  const Field& operator[](std::size_t index) const noexcept { return all_[index]; }

private:
  std::span<const Field> all_;
};

/// The request line and what follows from it.
struct Head {
  Method method = Method::get;
  std::string_view method_name;   ///< as sent, for instance "GET"
  std::string_view target;        ///< as sent: origin, absolute, authority or asterisk form
  std::string_view authority;     ///< of an absolute or authority form, else the Host field
  std::uint8_t version_minor = 1; ///< HTTP/1.0 or HTTP/1.1
};

} // namespace ringfort
