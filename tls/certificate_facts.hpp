// certificate_facts — what a certificate says, and what is said of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ringfort/certificate.hpp>

struct x509_st;
struct asn1_string_st;

namespace ringfort::tls {

/// Of the subjectAltName the first `names_max` are taken.
CertificateFacts facts_of(const x509_st* certificate, std::size_t names_max = SIZE_MAX);

/// 0 when it is no time.
std::int64_t unix_seconds(const asn1_string_st* time);

/// OpenSSL's reason (X509_V_*) in words, with the name that other stacks give it.
Verdict verdict_of(int reason);

} // namespace ringfort::tls
