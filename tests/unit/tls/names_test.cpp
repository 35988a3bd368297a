// Names and what a shard keeps of them: who answers, what is built when, and what a change drops.
#include <ringfort/names.hpp>

#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tls/host_name.hpp"
#include "tls/shard_names.hpp"

namespace ringfort::tls {
namespace {

Context context_for(const std::string& name) {
  ContextOptions options;
  options.identities.push_back(peer::make_identity({.name = name}));
  return *Context::create(std::move(options));
}

std::string_view normalised(const HostName& host) { return host.text(); }

TEST_CASE("host name: lower case, without the final dot") {
  CHECK(normalised(HostName("API.Local.")) == "api.local");
  CHECK(normalised(HostName("xn--bcher-kva.example")) == "xn--bcher-kva.example");
  CHECK(normalised(HostName("_acme.a-b.c1")) == "_acme.a-b.c1");
  CHECK(HostName(std::string(63, 'a') + ".b"));
  const std::string label = std::string(61, 'a') + '.';
  CHECK(HostName(label + label + label + label + "bcdef")); // 253 bytes
}

TEST_CASE("host name: what is none is none") {
  for (const std::string text : {"", ".", "a..b", ".a", "a.b..", "-a.b", "a-.b", "a b",
                                 "b\xc3\xbc"
                                 "cher.example",
                                 "a/b", "127.0.0.1", "::1", "*.a", "a:443"}) {
    INFO(text);
    CHECK_FALSE(HostName(text));
  }
  CHECK_FALSE(HostName(std::string(64, 'a') + ".b"));
  const std::string label = std::string(61, 'a') + '.';
  CHECK_FALSE(HostName(label + label + label + label + "bcdefg"));
  CHECK_FALSE(HostName(std::string("a\0b", 3)));
}

TEST_CASE("host name: its wildcard has one label less") {
  HostName host("x.tenant.local");
  CHECK(host.as_wildcard() == "*.tenant.local");
  HostName alone("localhost");
  CHECK(alone.as_wildcard().empty());
}

TEST_CASE("SNI-09, SNI-10: names match in any case, a wildcard matches exactly one label") {
  Names names;
  REQUIRE(names.set("Api.Local.", context_for("api.local")));
  REQUIRE(names.set("*.Tenant.local", context_for("*.tenant.local")));
  for (const std::string_view name : {"api.local", "API.LOCAL", "api.local."}) {
    CHECK(names.find(name).pattern == "api.local");
  }
  CHECK(names.find("x.tenant.local").pattern == "*.tenant.local");
  CHECK(names.find("X.TENANT.LOCAL.").pattern == "*.tenant.local");
  for (const std::string_view name :
       {"a.b.tenant.local", "tenant.local", ".tenant.local", "xapi.local", "", "127.0.0.1"}) {
    INFO(name);
    CHECK(names.find(name).entry == nullptr);
  }
}

TEST_CASE("SNI-11: an exact name goes before a wildcard, and the last context set stays") {
  Names names;
  const Context first = context_for("a");
  const Context second = context_for("b");
  REQUIRE(names.set("*.local", first));
  REQUIRE(names.set("x.local", first));
  REQUIRE(names.set("X.local", second));
  CHECK(names.count() == 2);
  CHECK(&names.find("x.local").entry->context->description() == &second.description());
  CHECK(names.remove("x.local."));
  CHECK_FALSE(names.remove("x.local"));
  CHECK(names.find("x.local").pattern == "*.local");
}

TEST_CASE("names: a pattern that is no host name is tls_context.bad_name") {
  Names names;
  const Context context = context_for("a");
  for (const std::string_view pattern : {"", "*", "*.", "a.*.b", "**.a",
                                         "b\xc3\xbc"
                                         "cher",
                                         "1.2.3.4"}) {
    INFO(pattern);
    const auto set = names.set(pattern, context);
    REQUIRE_FALSE(set);
    CHECK(set.error().code == Code::tls_context_bad_name);
  }
  LiveNames live(context);
  const auto replaced = live.replace("a b", context);
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().code == Code::tls_context_bad_name);
  CHECK(live.generation() == 1);
}

TEST_CASE("generations: each change makes one, and those without connections are forgotten") {
  LiveNames live(context_for("a"));
  GenerationLease first(live.state().snapshot().count);
  GenerationLease again(live.state().snapshot().count);
  CHECK(first.number() == 1);
  CHECK(live.replace_default(context_for("b")) == 2);
  CHECK(*live.replace("c.local", context_for("c.local")) == 3);
  GenerationLease third(live.state().snapshot().count);
  auto generations = live.generations();
  REQUIRE(generations.size() == 2);
  CHECK((generations[0].number == 1 && generations[0].connections == 2));
  CHECK((generations[1].number == 3 && generations[1].connections == 1));
  first = {};
  again = {};
  generations = live.generations();
  REQUIRE(generations.size() == 1);
  CHECK(generations[0].number == 3);
}

struct Shard {
  explicit Shard(LiveNames live) : names(*ShardNames::create(*library, std::move(live))) {}

  std::unique_ptr<Library> library = *Library::create();
  std::unique_ptr<ShardNames> names;
};

TEST_CASE("shard names: a context is built when it is first asked for, and then kept") {
  Names names;
  unsigned made = 0;
  const auto source = std::make_shared<const ContextSource>([&](std::string_view pattern) {
    ++made;
    return Result<Context>(context_for(std::string(pattern)));
  });
  names.set_default(context_for("default"));
  for (const std::string_view name : {"a.local", "b.local", "*.c.local"}) {
    REQUIRE(names.set(name, source));
  }
  Shard shard{LiveNames(names)};
  CHECK(made == 0);
  CHECK(shard.names->built_count() == 1); // The default.
  const auto first = shard.names->find("x.c.local");
  REQUIRE(first);
  const SharedContext built = *first;
  CHECK(*shard.names->find("y.c.local") == built);
  CHECK(*shard.names->find("unknown.local") == *shard.names->fallback());
  CHECK(made == 1);
  CHECK(shard.names->built_count() == 2);
}

TEST_CASE("shard names: a change drops what it replaced and keeps the rest") {
  LiveNames live(context_for("default"));
  const Context kept = context_for("kept.local");
  REQUIRE(live.replace("kept.local", kept));
  REQUIRE(live.replace("changed.local", context_for("changed.local")));
  Shard shard(live);
  const SharedContext before = *shard.names->find("kept.local");
  REQUIRE(shard.names->find("changed.local"));
  CHECK(shard.names->built_count() == 3);
  REQUIRE(live.replace("changed.local", context_for("changed.local")));
  shard.names->refresh();
  CHECK(shard.names->built_count() == 2);
  CHECK(*shard.names->find("kept.local") == before);
  Names fewer = live.names();
  CHECK(fewer.remove("changed.local"));
  live.publish(std::move(fewer));
  CHECK(shard.names->find("changed.local")); // Until the shard looks again.
  shard.names->refresh();
  CHECK(*shard.names->find("changed.local") == *shard.names->fallback());
}

TEST_CASE("shard names: contexts beyond the bound push out those asked for longest ago") {
  Names names;
  unsigned made = 0;
  const Context context = context_for("any");
  const auto source = std::make_shared<const ContextSource>([&](std::string_view) {
    ++made;
    return Result<Context>(context);
  });
  const auto name_of = [](std::size_t index) {
    return std::string("n").append(std::to_string(index)).append(".local");
  };
  constexpr std::size_t count = ShardNames::contexts_max + 1;
  for (std::size_t index = 0; index < count; ++index) REQUIRE(names.set(name_of(index), source));
  Shard shard{LiveNames(names)};
  for (std::size_t index = 0; index + 1 < count; ++index) {
    REQUIRE(shard.names->find(name_of(index)));
  }
  REQUIRE(shard.names->find(name_of(0))); // So that 1 is now the oldest.
  REQUIRE(shard.names->find(name_of(count - 1)));
  CHECK(shard.names->built_count() == ShardNames::contexts_max);
  CHECK(made == count);
  REQUIRE(shard.names->find(name_of(0)));
  CHECK(made == count);
  REQUIRE(shard.names->find(name_of(1)));
  CHECK(made == count + 1);
}

TEST_CASE("shard names: failures of a source are the handshake's, and are not kept") {
  Names names;
  bool throws = false;
  bool fails = true;
  const auto source = std::make_shared<const ContextSource>([&](std::string_view) {
    if (throws) throw std::runtime_error("disk on fire");
    if (fails) return Result<Context>(std::unexpect, Code::tls_context_key_mismatch);
    return Result<Context>(context_for("a.local"));
  });
  REQUIRE(names.set("a.local", source));
  Shard shard{LiveNames(names)};
  CHECK(shard.names->find("a.local").error().code == Code::tls_context_key_mismatch);
  throws = true;
  CHECK(shard.names->find("a.local").error().code == Code::tls_handshake_choice_failed);
  throws = fails = false;
  CHECK(shard.names->find("a.local"));
  CHECK(shard.names->find("b.local").error().code == Code::tls_handshake_unknown_name);
  CHECK(shard.names->fallback().error().code == Code::tls_handshake_unknown_name);
}

} // namespace
} // namespace ringfort::tls
