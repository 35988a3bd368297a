// answer_faults — what is wrong with a message, told of an answer.
#pragma once

#include <ringfort/error.hpp>

namespace ringfort::http {

/// The row of an answer that is as a request of row `code` would be: http_parse.* and
/// request_stream.cut_short become answer.*. A caller needs no more than these tell apart.
constexpr Code answer_fault(Code code) noexcept {
  switch (code) {
  case Code::http_parse_bad_field: return Code::answer_bad_field;
  case Code::http_parse_bad_length: return Code::answer_bad_length;
  case Code::http_parse_two_lengths: return Code::answer_two_lengths;
  case Code::http_parse_bad_coding:
  case Code::http_parse_unknown_coding: return Code::answer_bad_coding;
  case Code::http_parse_bad_chunk: return Code::answer_bad_chunk;
  case Code::http_parse_head_too_large:
  case Code::http_parse_too_many_fields:
  case Code::http_parse_trailers_too_large:
  case Code::http_parse_chunk_extensions_too_large: return Code::answer_head_too_large;
  case Code::request_stream_cut_short: return Code::answer_cut_short;
  default: return Code::answer_malformed;
  }
}

} // namespace ringfort::http
