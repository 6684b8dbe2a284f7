#include "base/object_key.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <string>

#include "base/text.hpp"

namespace imgimport {
namespace {

const std::string kSha256(64, 'a');
const std::string kMd5(32, 'b');
const std::string kSha1(40, 'c');

SourceFile file_named(std::string name) {
  SourceFile file;
  file.id = DriveId("1AbC-d_9");
  file.name = std::move(name);
  file.hashes.md5 = kMd5;
  return file;
}

std::string key_of(const SourceFile& file) {
  return make_object_key("photos/2024", file).value();
}

TEST_CASE("a key is prefix, id, content hash and name", "[object_key]") {
  CHECK(key_of(file_named("beach.jpg")) == "photos/2024/1AbC-d_9/" + kMd5 + "/beach.jpg");
  CHECK(make_object_key("", file_named("beach.jpg")).value() == "1AbC-d_9/" + kMd5 + "/beach.jpg");
}

TEST_CASE("the version tag is the strongest hash, else the revision, else the time of change", "[object_key]") {
  const auto tag_of = [](const SourceFile& file) {
    const std::string key = make_object_key("p", file).value();
    return key.substr(11, key.rfind('/') - 11);
  };
  SourceFile file = file_named("a.png");
  file.hashes = {.md5 = kMd5, .sha1 = kSha1, .sha256 = kSha256};
  CHECK(tag_of(file) == kSha256);
  file.hashes.sha256.clear();
  CHECK(tag_of(file) == kMd5);
  file.hashes.md5.clear();
  CHECK(tag_of(file) == kSha1);
  file.hashes.sha1 = "../../etc/passwd";
  file.head_revision = "0BxY-rev_1";
  file.modified_at = Timestamp(std::chrono::milliseconds(1'700'000'000'123));
  CHECK(tag_of(file) == "0BxY-rev_1");
  file.head_revision = "../x";
  CHECK(tag_of(file) == "!2e!2e!2fx");
  file.head_revision.clear();
  CHECK(tag_of(file) == "1700000000123");
  file.modified_at.reset();
  CHECK(tag_of(file) == "unversioned");
}

TEST_CASE("an id that is none is escaped, and two ids never share a folder", "[object_key]") {
  const auto folder_of = [](std::string id) {
    SourceFile file = file_named("a.png");
    file.id = DriveId(std::move(id));
    const std::string key = make_object_key("p", file).value();
    return key.substr(2, key.find('/', 2) - 2);
  };
  CHECK(folder_of("..") == "!2e!2e");
  CHECK(folder_of("a/b") == "a!2fb");
  CHECK(folder_of("a!2fb") == "a!212fb");
  CHECK(folder_of("") == "!");
  const std::string longest(128, 'x');
  CHECK(folder_of(longest) == longest);
  CHECK(folder_of(longest + "y").size() == 128);
  CHECK(folder_of(longest + "y") != folder_of(longest + "z"));
  CHECK(folder_of(std::string(1000, '/')).size() == 128);
}

TEST_CASE("names keep what is harmless and lose what is not", "[object_key]") {
  const auto [name, safe] = GENERATE(table<std::string, std::string>({
      {"IMG_0001 (1).JPG", "IMG_0001_(1).JPG"},
      {"Ünïcödé 写真 фото.jpeg", "Ünïcödé_写真_фото.jpeg"},
      {"🏖 beach.heic", "🏖_beach.heic"},
      {"..", "unnamed"},
      {".", "unnamed"},
      {"", "unnamed"},
      {"   ", "unnamed"},
      {"../../etc/passwd", "_.._etc_passwd"},
      {"a/b\\c.png", "a_b_c.png"},
      {"C:\\temp\\x.gif", "C_temp_x.gif"},
      {"what? <a>|\"b\"*:.jpg", "what_a_b_.jpg"},
      {"100% & more + #1.jpg", "100_more_1.jpg"},
      {".hidden.jpg", "hidden.jpg"},
      {"trailing... ", "trailing"},
      {"con", "_con"},
      {"NUL.jpg", "_NUL.jpg"},
      {"Com7.tar.gz", "_Com7.tar.gz"},
      {"lpt\u00b2", "_lpt\u00b2"},
      {"comb.jpg", "comb.jpg"},
      {"-rf.jpg", "_-rf.jpg"},
      {"in\u202egpj.exe", "ingpj.exe"},
      {"zero\u200bwidth\ufeff.jpg", "zerowidth.jpg"},
      {"line\nbreak\t.jpg", "line_break_.jpg"},
      {"bad\xff\xfe\xc0\xaf utf8.jpg", "bad_utf8.jpg"},
      {"fraction\u2044slash\uff0f.jpg", "fraction_slash_.jpg"},
  }));
  CHECK(safe_file_name(name) == safe);
}

TEST_CASE("a NUL in a name does not end it", "[object_key]") {
  CHECK(safe_file_name(std::string("a\0b.jpg", 7)) == "a_b.jpg");
}

TEST_CASE("a long name is cut between characters and keeps its extension", "[object_key]") {
  CHECK(safe_file_name(std::string(250, 'x') + ".jpeg") == std::string(175, 'x') + ".jpeg");
  std::string umlauts;
  for (int i = 0; i < 150; ++i) umlauts += "ü";
  const std::string cut = safe_file_name(umlauts + ".png");
  CHECK(cut.size() == 180);
  CHECK(safe_file_name("a" + umlauts + ".png").size() == 179);
  CHECK(is_valid_utf8(safe_file_name("a" + umlauts + ".png")));
  CHECK(safe_file_name("photo." + std::string(300, 'e')).size() == 180);
  CHECK(safe_file_name(std::string(100, 'a') + std::string(100, '.') + std::string(20, 'b')) == std::string(100, 'a'));
}

TEST_CASE("whatever bytes a listing holds, the key is valid and below the prefix", "[object_key]") {
  std::mt19937 random(20240611);  // NOLINT: seeded, so that a failure repeats
  const std::string spice = std::string("\0./\\ %.:~-_!", 12) + "\xe2\x80\xae\xf0\x9f\x8f\x96\xc3\xbc";
  const auto bytes = [&](std::size_t longest) {
    std::string text(random() % (longest + 1), '\0');
    const bool spicy = random() % 2 == 0;
    for (char& c : text) c = spicy ? spice[random() % spice.size()] : static_cast<char>(random());
    return text;
  };
  int wrong = 0;
  for (int i = 0; i < 20'000; ++i) {
    SourceFile file;
    file.id = DriveId(bytes(160));
    file.name = bytes(300);
    file.head_revision = bytes(200);
    const std::string key = make_object_key("photos", file).value();
    const std::string name = key.substr(key.rfind('/') + 1);
    const bool good = is_valid_object_key(key) && key.starts_with("photos/") &&
                      std::count(key.begin(), key.end(), '/') == 3 && key == make_object_key("photos", file).value() &&
                      name.size() <= kMaxSafeNameBytes && !name.starts_with('.') && !name.ends_with('.') &&
                      safe_file_name(name) == name;
    wrong += good ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("the longest prefix, id, tag and name stay within the limit", "[object_key]") {
  std::string prefix;
  while (prefix.size() + 64 <= kMaxObjectKeyPrefixBytes) prefix += std::string(63, 'p') + "/";
  prefix.back() = 'p';
  REQUIRE(is_valid_key_prefix(prefix));
  SourceFile file;
  file.id = DriveId(std::string(5000, '/'));
  file.head_revision = std::string(5000, '/');
  file.name = std::string(5000, 'n');
  CHECK(is_valid_object_key(make_object_key(prefix, file).value()));
}

TEST_CASE("stores take sound keys alone", "[object_key]") {
  CHECK(is_valid_object_key("a"));
  CHECK(is_valid_object_key("a/b c/ü..jpg"));
  CHECK(is_valid_object_key(std::string(255, 'a') + "/b"));
  CHECK(is_valid_object_key("..."));
  for (const std::string bad : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/..", "a\\b", "a\nb",
                                "a\x7f", "\xff", "a/\xc0\xae\xc0\xae/b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_valid_object_key(bad));
  }
  CHECK_FALSE(is_valid_object_key(std::string("a\0b", 3)));
  CHECK_FALSE(is_valid_object_key(std::string(256, 'a')));
  std::string long_key;
  while (long_key.size() < 1025) long_key += "aa/";
  CHECK_FALSE(is_valid_object_key(long_key + "a"));
  CHECK_FALSE(is_valid_key_prefix(std::string(200, 'a') + "/" + std::string(200, 'a') + "/" + std::string(200, 'a')));
  CHECK_FALSE(is_valid_key_prefix("a/"));
}

}  // namespace
}  // namespace imgimport
