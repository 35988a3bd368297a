// hop_fields — the fields that mean something between two neighbours alone and end there (RFC 9110
// section 7.6.1).
#pragma once

#include <string_view>

#include <ringfort/message.hpp>

namespace ringfort::http {

/// Of one message. Borrow: its fields.
class HopFields {
public:
  explicit HopFields(Fields fields) noexcept;

  /// Connection and what it names, Keep-Alive, TE, Transfer-Encoding, Upgrade, Proxy-Connection,
  /// and what one says to a proxy or as one about who asks (section 11.7); "Proxy" too, which no
  /// RFC knows and CGI programs take for a setting, and HTTP2-Settings (RFC 7540 section 3.2.1).
  /// Cost: a comparison or two, and a look at each Connection field, if there is one.
  bool end_here(std::string_view name) const noexcept;

private:
  Fields fields_;
  bool names_others_; ///< Connection names more than "close" and "keep-alive"
};

} // namespace ringfort::http
