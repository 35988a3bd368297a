#include "net/context_choice.hpp"

#include <string>
#include <utility>

#include "net/serving_shard.hpp"

namespace ringfort::net {

std::optional<ChosenContext> choose_context(tls::ShardNames& names, std::string_view name,
                                            Shard& shard, std::uint64_t connection) {
  if (name.empty()) return names.fallback();
  if (!names.chooser()) return names.find(name);
  std::optional<tls::NameChoice> choice;
  try {
    choice = names.chooser()(tls::NameQuery(std::string(name), shard, connection));
  } catch (...) {
    return fail(Code::tls_handshake_choice_failed);
  }
  if (!choice) return {};
  return context_of(names, name, std::move(*choice));
}

ChosenContext context_of(tls::ShardNames& names, std::string_view name, tls::NameChoice choice) {
  switch (choice.kind) {
  case tls::NameChoice::Kind::context: return names.use(name, std::move(*choice.context));
  case tls::NameChoice::Kind::look_up: return names.find(name);
  case tls::NameChoice::Kind::fallback: return names.fallback();
  case tls::NameChoice::Kind::refuse: break;
  }
  return fail(Code::tls_handshake_name_refused);
}

} // namespace ringfort::net

// ---------------------------------------------------------------------------- public surface

namespace ringfort::tls {

// A shard that has ended takes no job: its clients are gone.
void NameQuery::answer(NameChoice choice) const {
  (void)shard_->post([shard = shard_, connection = connection_, choice = std::move(choice)] {
    static_cast<net::ServingShard*>(shard)->take_choice(connection, choice);
  });
}

} // namespace ringfort::tls
