// What a handler may send before its answer, and instead of one: interim answers, and another
// protocol.
#include <array>

#include "http/upgrade.hpp"
#include "net/exchange_state.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

void ExchangeState::inform(int status, std::span<const Field> fields) noexcept {
  if (!unanswered()) return connection_.report({.code = Code::handler_answered_twice});
  const auto written = connection_.shard().heads().write_interim(status, fields);
  if (!written) return connection_.report(written.error());
  if (parser_.head().version_minor == 0 || transport_failed_) return;
  if (status == 100) continued_ = true;
  const std::array pieces{*written};
  if (auto sent = connection_.transport().send(pieces); !sent) fail_write(sent.error());
}

std::string_view ExchangeState::offered_protocols() const noexcept {
  return http::offered_protocols(parser_.head(), parser_.fields());
}

void ExchangeState::open_tunnel(std::string_view protocol, std::span<const Field> fields) noexcept {
  if (!unanswered()) {
    write_result_ = fail(Code::handler_answered_twice);
    return connection_.report({.code = Code::handler_answered_twice});
  }
  const bool connects = parser_.head().method == Method::connect;
  const bool offered = connects ? protocol.empty() : http::offers(offered_protocols(), protocol);
  if (!offered || !request_complete()) {
    write_result_ = fail(Code::handler_bad_switch);
    return refuse_response(Code::handler_bad_switch);
  }
  // What follows the request takes the place of the bytes that its head is views of.
  if (!parser_.settle()) {
    write_result_ = fail(Code::handler_no_memory);
    return refuse_response(Code::handler_no_memory);
  }
  const bool written = write_head({.status = connects ? 200 : 101,
                                   .fields = fields,
                                   .unix_seconds = unix_seconds(),
                                   .protocol = protocol});
  if (!written) {
    write_result_ = fail(Code::handler_bad_response);
    return;
  }
  framing_ = http::BodyFraming::until_close;
  close_ = tunnel_ = true;
  keep_pending_head();
}

void ExchangeState::on_tunnel_end() noexcept {
  tunnel_ended_ = true;
  resume(Wait::read);
}

/// Close_notify and FIN, once everything before them is sent; the peer may go on.
void ExchangeState::end_direction() noexcept {
  ends_direction_ = true;
  Transport& transport = connection_.transport();
  transport.send_close_notify();
  transport.stream().flush();
  if (transport.stream().queued_bytes() > 0) return;
  ends_direction_ = false;
  transport.stream().shutdown_write();
}

} // namespace ringfort::net
