#include "tests/pair/server.hpp"

namespace ringfort::tls {

PairServer::PairServer(const LiveNames& names, const ChannelLimits& limits)
    : PairEnd(*Library::create(), Side::server, limits),
      names_(*ShardNames::create(library(), names)),
      session_(std::make_unique<Session>(library(), std::time(nullptr))) {}

PairServer::PairServer(const Context& context, const Served& served, const ChannelLimits& limits)
    : PairEnd(*Library::create(), Side::server, limits),
      only_(*ShardContext::create(library(), context, served.entry)),
      session_(std::make_unique<Session>(library(), served.now_unix_s)) {}

bool PairServer::choose_context() {
  if (only_ != nullptr) {
    session_->use(only_);
    return true;
  }
  names_->refresh();
  const auto found = names_->find(session_->server_name());
  if (found) {
    session_->use(*found);
    return true;
  }
  session_->refuse(alert_for(found.error()));
  take_handshake_output();
  fail_with(found.error());
  return false;
}

void PairServer::on_secured() {
  facts_ = session_->take_facts();
  session_.reset();
}

} // namespace ringfort::tls
