// certificate_text — a certificate's facts as a person reads them.
#pragma once

#include <cstddef>
#include <string>

#include <ringfort/certificate.hpp>

namespace ringfort::cli {

/// A line for each fact, below a line that says which of its chain it is. What could move a
/// terminal's cursor is escaped.
std::string text_of(const tls::CertificateFacts& facts, std::size_t index);

} // namespace ringfort::cli
