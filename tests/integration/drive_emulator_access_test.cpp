// Who may call the emulator, and what each caller sees.
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "base/text.hpp"
#include "integration/drive_emulator_probe.hpp"

namespace imgimport::emulator {

using namespace probe;

namespace {

std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string sign(const std::string& text, const std::string& private_key_pem) {
  BIO* bio = BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(512, '\0');
  std::size_t length = signature.size();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  signature.resize(length);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return signature;
}

struct Claims {
  std::string issuer, audience, subject;
  std::string scope = "https://www.googleapis.com/auth/drive.readonly";
  std::int64_t lifetime = 3600;
};

std::string assertion(const Claims& claims, const std::string& account_json) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  boost::json::object payload{{"iss", claims.issuer},
                              {"aud", claims.audience},
                              {"scope", claims.scope},
                              {"iat", now.count()},
                              {"exp", now.count() + claims.lifetime}};
  if (!claims.subject.empty()) payload["sub"] = claims.subject;
  const std::string text =
      base64url(R"({"alg":"RS256","typ":"JWT"})") + "." + base64url(boost::json::serialize(payload));
  const boost::json::value account = boost::json::parse(account_json);
  return text + "." + base64url(sign(text, std::string(account.at("private_key").as_string())));
}

RawResponse ask_for_token(const DriveEmulator& drive, const std::string& jwt) {
  return RawClient(drive.port())
      .exchange(raw_post(
          "/token", "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") + "&assertion=" + jwt,
          "Content-Type: application/x-www-form-urlencoded\r\n"));
}

}  // namespace

TEST_CASE("credentials decide who sees what", "[emulator]") {
  DriveEmulator drive;
  DriveTree& tree = drive.tree();
  const std::string secret = tree.add_folder(drive.root_id(), "private");
  const std::string inside = tree.add_file(secret, "mine.jpg", {.size = 10});
  tree.set_audience(secret, {.emails = {"robot@project.iam.gserviceaccount.com"}});
  const std::string open = tree.add_file(drive.root_id(), "open.jpg", {.size = 10});
  REQUIRE(drive.start().has_value());
  const auto bearer = [](const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; };

  const RawResponse none = get(drive, "/drive/v3/files/" + open);
  CHECK(none.status == 403);
  CHECK(reason_of(none) == "dailyLimitExceededUnreg");
  const RawResponse bad_key = get(drive, "/drive/v3/files/" + open + "?key=wrong");
  CHECK(bad_key.status == 400);
  CHECK(reason_of(bad_key) == "badRequest");
  const RawResponse bad_token = get(drive, "/drive/v3/files/" + open, bearer("wrong"));
  CHECK(bad_token.status == 401);
  CHECK(reason_of(bad_token) == "authError");

  CHECK(get(drive, keyed("/drive/v3/files/" + open)).status == 200);
  CHECK(get(drive, keyed("/drive/v3/files/" + inside)).status == 404);
  CHECK(find(drive, in(secret)).empty());

  const std::string token = drive.access().issue_token("robot@project.iam.gserviceaccount.com");
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(token)).status == 200);
  const std::string other = drive.access().issue_token("other@example.com");
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(other)).status == 404);
  CHECK(get(drive, "/drive/v3/files/" + open, bearer(other)).status == 200);
  drive.access().expire_access_tokens();
  CHECK(get(drive, "/drive/v3/files/" + inside, bearer(token)).status == 401);
}

TEST_CASE("a service account's assertion is checked before a token is given", "[emulator]") {
  DriveEmulator drive;
  REQUIRE(drive.start().has_value());
  const std::string email = "robot@project.iam.gserviceaccount.com";
  const std::string account = drive.access().add_service_account(email, drive.token_url());
  const Claims good{.issuer = email, .audience = drive.token_url()};

  const RawResponse given = ask_for_token(drive, assertion(good, account));
  INFO(given.body);
  REQUIRE(given.status == 200);
  const auto token = boost::json::parse(given.body);
  CHECK(token.at("token_type").as_string() == "Bearer");
  CHECK(token.at("expires_in").as_int64() == 3599);
  const std::string header = "Authorization: Bearer " + std::string(token.at("access_token").as_string()) + "\r\n";
  CHECK(get(drive, "/drive/v3/about?fields=*", header).status == 200);

  const auto refused = [&](Claims claims) { return ask_for_token(drive, assertion(claims, account)); };
  CHECK(refused({.issuer = "nobody@example.com", .audience = good.audience}).status == 400);
  CHECK(refused({.issuer = email, .audience = "https://example.com/token"}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .scope = "email"}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .lifetime = -1}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .lifetime = 7200}).status == 400);
  CHECK(refused({.issuer = email, .audience = good.audience, .subject = "user@example.com"}).status == 401);
  drive.access().allow_impersonation(email, "user@example.com");
  CHECK(refused({.issuer = email, .audience = good.audience, .subject = "user@example.com"}).status == 200);

  std::string forged = assertion(good, account);
  forged[forged.size() - 20] = forged[forged.size() - 20] == 'A' ? 'B' : 'A';
  const RawResponse wrong = ask_for_token(drive, forged);
  CHECK(wrong.status == 400);
  CHECK(boost::json::parse(wrong.body).at("error").as_string() == "invalid_grant");
}

}  // namespace imgimport::emulator
