// answers — the short answers that most handlers give: text, JSON, another place.
#pragma once

#include <string>
#include <string_view>

#include <ringfort/exchange.hpp>

namespace ringfort {

/// Bytes that the payload keeps until they are sent. Cost: one allocation.
Payload kept(std::string text);

/// Answers with `text` as text/plain in UTF-8, of any length.
/// Borrow: nothing.
/// Errors: as Exchange::respond.
/// Cost:   no allocation up to 4 KiB of text; two for more, and a copy.
void answer_text(Exchange& exchange, int status, std::string_view text);

/// The same with `json` as application/json. What it says is not looked at.
void answer_json(Exchange& exchange, int status, std::string_view json);

/// Sends the client to `location`, an absolute or relative reference (RFC 9110 section 10.2.2):
/// with 307 and 308 it repeats the request there, with 303 it asks there with GET, and with 301 and
/// 302 what was a POST may become a GET.
/// Errors: as Exchange::respond; handler.bad_response also for a status that sends nobody anywhere.
void redirect(Exchange& exchange, int status, std::string_view location);

} // namespace ringfort
