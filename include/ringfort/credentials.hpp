// credentials — what a URL says of its user, as an Authorization field (RFC 7617).
#pragma once

#include <string>
#include <string_view>

namespace ringfort {

/// "Basic dXNlcjpzZWNyZXQ=" of "user:secret", which may be percent-encoded. An escape that is none
/// stands for itself. Allocates.
std::string basic_credentials(std::string_view user_information);

} // namespace ringfort
