#include <openssl/evp.h>
#include <openssl/pem.h>

#include <catch2/catch.hpp>
#include <memory>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/jwt.hpp"
#include "support/rsa_key.hpp"

namespace imgimport {
namespace {

TEST_CASE("digests match the published vectors", "[crypto]") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("a hasher takes pieces, and starts anew after finish and reset", "[crypto]") {
  Hasher hasher(HashAlgorithm::kSha256);
  hasher.update("a");
  hasher.update("");
  hasher.update("bc");
  CHECK(hasher.finish() == sha256_hex("abc"));
  hasher.update("abc");
  CHECK(hasher.finish() == sha256_hex("abc"));
  hasher.update("lost");
  hasher.reset();
  Hasher moved = std::move(hasher);
  moved.update("abc");
  CHECK(moved.finish_raw().size() == 32);
}

TEST_CASE("HMAC-SHA256 matches RFC 4231 and takes an empty key", "[crypto]") {
  const auto hex = [](std::string_view key, std::string_view text) {
    const auto mac = hmac_sha256(key, text);
    return to_hex(mac);
  };
  // Test case 2 of the RFC.
  CHECK(hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex("", "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("Base64 goes both ways in both alphabets", "[crypto]") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    CHECK(base64_encode(plain) == text);
    CHECK(base64_decode(text) == plain);
    CHECK(base64_decode(base64url_encode(plain)) == plain);
  }
  CHECK(base64url_encode("\xfb\xff\xfe?") == "-__-Pw");
  CHECK(base64_decode("-__-Pw") == "\xfb\xff\xfe?");
  for (const std::string_view bad : {"Z", "Zg=", "Zm9v=", "Zm 9", "Zh==", "====", "Z===", "Zg==Zg=="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad).has_value());
  }
}

TEST_CASE("a signed JWT verifies with the public key", "[crypto]") {
  const std::string pem = test::make_rsa_key_pem();
  const auto token = sign_jwt_rs256({.header = R"({"alg":"RS256"})", .claims = R"({"iss":"me"})"}, pem);
  REQUIRE(token.has_value());
  const std::size_t last = token->rfind('.');
  CHECK(base64_decode(token->substr(0, token->find('.'))) == R"({"alg":"RS256"})");
  const std::string signature = base64_decode(token->substr(last + 1)).value();

  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  REQUIRE(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
  CHECK(EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(token->data()), last) == 1);
}

TEST_CASE("a private key that cannot be used is a misconfiguration without the key in its text", "[crypto]") {
  const std::string good = test::make_rsa_key_pem();
  for (const std::string& pem : {std::string(), std::string("SECRETSTUFF"), good.substr(0, good.size() / 2),
                                 std::string("-----BEGIN PRIVATE KEY-----\nSECRETSTUFF\n-----END PRIVATE KEY-----\n"),
                                 test::make_ec_key_pem()}) {
    const auto token = sign_jwt_rs256({.header = "{}", .claims = "{}"}, pem);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code() == ErrorCode::kMisconfigured);
    CHECK(token.error().reason() == "unreadable_private_key");
    CHECK_THAT(token.error().message(), !Catch::Contains("SECRETSTUFF"));
  }
}

}  // namespace
}  // namespace imgimport
