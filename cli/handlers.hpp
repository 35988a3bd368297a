// handlers — what `ringfort serve` answers.
#pragma once

#include <memory>
#include <string>

#include <ringfort/service.hpp>

namespace ringfort::cli {

enum class Handler { welcome, hello, echo, sink, source, facts };

/// 13 bytes of text.
void answer_hello(Exchange& exchange);
/// The request's body, piece by piece; a short text when there is none.
Task<> answer_echo(Exchange& exchange);
/// How many bytes the request's body had.
Task<> answer_sink(Exchange& exchange);
/// `/N`: N bytes; N may end in K, M or G.
Task<> answer_source(Exchange& exchange);

/// The service of the shard with this index. Borrow: nothing.
std::unique_ptr<Service> make_service(Handler handler, unsigned shard);

/// 405 with `allow`, unless the method is GET or HEAD; true when it has answered.
bool refused_method(Exchange& exchange);

} // namespace ringfort::cli
