// The Redis client against a real redis-server that answers, refuses, hangs, dies and comes back.
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "crypto/tls_stream.hpp"
#include "crypto/tls_trust.hpp"
#include "redis/client.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_identity.hpp"

using namespace imgimport;
using std::chrono::milliseconds;

namespace {

const CallContext kNow;

CallContext patient() {
  return CallContext{}.with_timeout(std::chrono::seconds(60));
}

// Until Redis answers again.
void await(RedisClient& client) {
  const CallContext context = patient();
  while (!client.run(context, {"PING"}).has_value()) REQUIRE(context.check().has_value());
}

}  // namespace

TEST_CASE("commands, pipelines and scripts", "[redis]") {
  RedisServer server;
  RedisClient client(server.options());
  const std::string bytes("a\r\n\0b", 5);
  CHECK(client.run(kNow, {"SET", "key", bytes}).value().text == "OK");
  CHECK(client.run(kNow, {"GET", "key"}).value().text == bytes);
  CHECK(client.run(kNow, {"GET", "none"}).value().is_nil());
  CHECK(client.run(kNow, {"NONSENSE"}).error().code() == ErrorCode::kMisconfigured);

  const std::vector<RedisCommand> commands = {{"INCR", "n"}, {"INCR", "key"}, {"INCR", "n"}};
  const auto replies = client.pipeline(kNow, commands).value();
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].integer == 1);
  CHECK(replies[1].is_error());
  CHECK(replies[2].integer == 2);

  const RedisScript script{"return {KEYS[1], ARGV[1] + 1, false, {1, {2}}}"};
  for (int round = 0; round < 2; ++round) {
    const auto reply = client.eval(kNow, script, {"k"}, {"41"}).value();
    CHECK(reply.at(0).text == "k");
    CHECK(reply.at(1).integer == 42);
    CHECK(reply.at(2).is_nil());
    CHECK(reply.at(3).at(1).at(0).integer == 2);
    REQUIRE(client.run(kNow, {"SCRIPT", "FLUSH"}).has_value());  // the next one is sent as text
  }
  const std::string large(5'000'000, 'x');
  REQUIRE(client.run(kNow, {"SET", "large", large}).has_value());
  CHECK(client.run(kNow, {"GET", "large"}).value().text == large);
}

TEST_CASE("many threads do not queue behind one connection", "[redis]") {
  RedisServer server;
  RedisClient client(server.options());
  std::atomic<int> wrong{0};
  {
    // They hold a connection each at the same time: none of them would end otherwise.
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i) {
      threads.emplace_back([&] {
        const auto popped = client.run_blocking(patient(), {"BLPOP", "list", "30"}, std::chrono::seconds(30));
        if (!popped.has_value() || popped->at(1).text != "x") ++wrong;
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        if (!client.run(patient(), {"RPUSH", "list", "x"}).has_value()) ++wrong;
      }
    });
  }
  CHECK(wrong == 0);
}

TEST_CASE("users, passwords and databases", "[redis]") {
  RedisServer server({"--requirepass", "p@ss word"});
  RedisOptions options = server.options();
  CHECK(RedisClient(options).run(kNow, {"PING"}).error().reason() == "redis_password");
  options.address.password = "wrong";
  const auto refused = RedisClient(options).run(kNow, {"PING"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::kMisconfigured);
  CHECK(refused.error().message().find("wrong") == std::string::npos);

  options.address.password = "p@ss word";
  options.address.database = 3;
  RedisClient admin(options);
  CHECK(admin.run(kNow, {"SET", "there", "1"}).has_value());
  CHECK(admin.run(kNow, {"INFO", "keyspace"}).value().text.find("db3:keys=1") != std::string::npos);
  REQUIRE(admin.run(kNow, {"ACL", "SETUSER", "ann", "on", ">secret", "~imgimport:*", "+ping", "+select", "+set"})
              .has_value());
  options.address.user = "ann";
  options.address.password = "secret";
  RedisClient ann(options);
  CHECK(ann.run(kNow, {"SET", "imgimport:x", "1"}).has_value());
  CHECK(ann.run(kNow, {"SET", "other", "1"}).error().reason() == "redis_rights");
  CHECK(ann.run(kNow, {"GET", "imgimport:x"}).error().code() == ErrorCode::kMisconfigured);
  CHECK(ann.is_there());

  options.address.database = 99;
  CHECK(RedisClient(options).run(kNow, {"PING"}).error().reason() == "redis_database");
}

TEST_CASE("rediss:// talks TLS to the host that it names, and to no other", "[redis][resolver]") {
  const TempDir dir;
  const auto path = [&](const char* name) { return (dir.path() / name).string(); };
  const auto identity = test::make_tls_identity("localhost");
  identity.write_certificate(path("cert.pem"));
  identity.write_key(path("key.pem"));
  test::make_tls_identity("localhost").write_certificate(path("stranger.pem"));
  RedisServer server({"--port", "0", "--tls-port", "PORT", "--tls-cert-file", path("cert.pem"), "--tls-key-file",
                      path("key.pem"), "--tls-ca-cert-file", path("cert.pem"), "--tls-auth-clients", "no"});
  RedisOptions options = server.options();
  options.address.tls = true;
  options.address.host = "localhost";
  options.tls = tls_streams(shared_tls_trust({.ca_file = path("cert.pem")}));
  {
    RedisClient client(options);
    const std::string large(300'000, 'x');
    REQUIRE(client.run(kNow, {"SET", "key", large}).has_value());
    CHECK(client.run(kNow, {"GET", "key"}).value().text == large);
    CHECK(client.run_blocking(patient(), {"BLPOP", "list", "0.01"}, milliseconds(10)).value().is_nil());
    server.restart();
    await(client);
  }
  const auto refused = [&](const RedisOptions& wrong) {
    const auto answer = RedisClient(wrong).run(patient(), {"PING"});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code() == ErrorCode::kMisconfigured);
    CHECK(answer.error().remedy().find("SSL_CERT_FILE") != std::string::npos);
  };
  options.address.host = "127.0.0.1";  // the certificate is for the name
  refused(options);
  options.address.host = "localhost";
  options.tls = tls_streams(shared_tls_trust({.ca_file = path("stranger.pem")}));
  refused(options);
  options.tls = tls_streams(shared_tls_trust({.ca_file = path("none.pem")}));
  refused(options);

  // A certificate that is trusted, but another host's.
  const auto other = test::make_tls_identity("elsewhere");
  other.write_certificate(path("other.pem"));
  other.write_key(path("other-key.pem"));
  RedisServer elsewhere({"--port", "0", "--tls-port", "PORT", "--tls-cert-file", path("other.pem"), "--tls-key-file",
                         path("other-key.pem"), "--tls-ca-cert-file", path("other.pem"), "--tls-auth-clients", "no"});
  RedisOptions misled = options;
  misled.address.port = elsewhere.port();
  misled.tls = tls_streams(shared_tls_trust({.ca_file = path("other.pem")}));
  refused(misled);

  // Without TLS against such a port: no words that make sense.
  options.address.tls = false;
  CHECK(RedisClient(options).run(patient(), {"PING"}).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a read that blocks ends when it is stopped, and takes nothing with it", "[redis]") {
  RedisServer server;
  RedisClient client(server.options());
  std::stop_source stop;
  CallContext context = patient();
  context.stop = stop.get_token();
  std::optional<ErrorCode> code;
  {
    std::jthread reader([&] {
      const auto popped = client.run_blocking(context, {"BLPOP", "list", "30"}, std::chrono::seconds(30));
      if (!popped.has_value()) code = popped.error().code();
    });
    while (client.run(kNow, {"INFO", "clients"}).value().text.find("blocked_clients:1") == std::string::npos) {
    }
    stop.request_stop();
  }
  CHECK(code == ErrorCode::kCancelled);
  CHECK(client.run(kNow, {"RPUSH", "list", "x"}).value().integer == 1);
  CHECK(client.run(kNow, {"LLEN", "list"}).value().integer == 1);
  const auto late = client.run_blocking(CallContext{}.with_timeout(milliseconds(30)), {"BLPOP", "none", "30"},
                                        std::chrono::seconds(30));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);
  CHECK(client.is_there());
}

TEST_CASE("a Redis that hangs is away for everybody until it answers again", "[redis]") {
  RedisServer server;
  RedisOptions options = server.options();
  options.command_timeout = options.connect_timeout = milliseconds(100);
  RedisClient client(options);
  REQUIRE(client.run(kNow, {"PING"}).has_value());
  server.pause();
  const auto hung = client.run(kNow, {"PING"});
  REQUIRE_FALSE(hung.has_value());
  CHECK(hung.error().code() == ErrorCode::kUnavailable);
  CHECK(hung.error().reason() == "redis_away");
  CHECK_FALSE(client.is_there());
  CHECK(client.run(kNow, {"PING"}).error().code() == ErrorCode::kUnavailable);
  server.go_on();
  await(client);
  CHECK(client.is_there());
}

TEST_CASE("a Redis that dies and comes back is found again, as another one", "[redis][resolver]") {
  RedisServer server;
  RedisClient client(server.options());
  REQUIRE(client.run(kNow, {"PING"}).has_value());
  const std::string first = client.server_id();
  CHECK(first.size() == 40);
  server.kill();
  CHECK(client.run(kNow, {"PING"}).error().code() == ErrorCode::kUnavailable);
  CHECK(client.run(kNow, {"PING"}).error().code() == ErrorCode::kUnavailable);
  server.restart();
  await(client);
  CHECK(client.server_id().size() == 40);
  CHECK(client.server_id() != first);

  RedisOptions nowhere = server.options();
  nowhere.address.host = "no-such-host.invalid";
  const auto lost = RedisClient(nowhere).run(patient(), {"PING"});
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code() == ErrorCode::kUnavailable);
}
