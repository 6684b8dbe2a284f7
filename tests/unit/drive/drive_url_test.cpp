#include "drive/drive_url.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace imgimport {
namespace {

const std::string kId = "1AbC-dEf_GhIjKlMnOpQrStUvWxYz0123";

struct Good {
  std::string url;
  std::string id = kId;
  std::string key = {};
};

TEST_CASE("every address that a folder has had is understood", "[drive]") {
  const Good good = GENERATE(values<Good>({
      {kId},
      {"  " + kId + "\n"},
      {"0B1234567890abcdefghijklmnop", "0B1234567890abcdefghijklmnop"},
      {"0AKfKGHcJ9l2cUk9PVA", "0AKfKGHcJ9l2cUk9PVA"},
      {kId + "?resourcekey=0-abc", kId, "0-abc"},
      {"https://drive.google.com/drive/folders/" + kId},
      {"http://drive.google.com/drive/folders/" + kId},
      {"HTTPS://Drive.Google.COM/drive/folders/" + kId},
      {"drive.google.com/drive/folders/" + kId},
      {"//drive.google.com/drive/folders/" + kId},
      {"<https://drive.google.com/drive/folders/" + kId + ">"},
      {"https://drive.google.com:443/drive/folders/" + kId},
      {"https://drive.google.com./drive/folders/" + kId},
      {"https://drive.google.com/drive/folders/" + kId + "/"},
      {"https://drive.google.com/drive//folders/" + kId + "?usp=sharing"},
      {"https://drive.google.com/drive/folders/" + kId + "?resourcekey=0-Xy_z&usp=drive_link", kId, "0-Xy_z"},
      {"https://drive.google.com/drive/folders/" + kId + "?usp=sharing&amp;resourcekey=0-Xy", kId, "0-Xy"},
      {"https://drive.google.com/drive/folders/" + kId + "?resourceKey=0-Xy#top", kId, "0-Xy"},
      {"https://drive.google.com/drive/folders/" + kId + "?resourcekey="},
      {"https://drive.google.com/drive/u/0/folders/" + kId + "?usp=sharing"},
      {"https://drive.google.com/drive/u/12/folders/" + kId},
      {"https://drive.google.com/drive/mobile/folders/" + kId},
      {"https://drive.google.com/drive/u/1/mobile/folders/" + kId},
      {"https://drive.google.com/drive/mobile/u/1/folders/" + kId},
      {"https://drive.google.com/folderview?id=" + kId + "&usp=sharing"},
      {"https://drive.google.com/folderview?usp=sharing&id=" + kId + "&resourcekey=0-q", kId, "0-q"},
      {"https://drive.google.com/embeddedfolderview?id=" + kId + "#grid"},
      {"https://drive.google.com/embeddedfolderview?id=" + kId + "&resourcekey=0-q#list", kId, "0-q"},
      {"https://drive.google.com/open?id=" + kId},
      {"https://drive.google.com/u/1/open?usp=forms_web&id=" + kId},
      {"https://drive.google.com/a/example.com/folderview?id=" + kId},
      {"https://drive.google.com/a/example.co.uk/drive/folders/" + kId},
      {"https://drive.google.com/a/example.com/open?id=" + kId},
      {"https://drive.google.com/a/example.com/drive/u/0/folders/" + kId},
      {"https://drive.google.com/corp/drive/folders/" + kId},
      {"https://drive.google.com/corp/drive/u/0/folders/" + kId},
      {"https://drive.google.com/folder/d/" + kId + "/edit"},
      {"https://docs.google.com/folder/d/" + kId + "/edit"},
      {"https://docs.google.com/folderview?id=" + kId},
      {"https://drive.google.com/#folders/" + kId},
      {"https://drive.google.com/drive/folders/%31AbC-dEf_GhIjKlMnOpQrStUvWxYz0123"},
      {"https://drive.google.com/drive/my-drive", "root"},
      {"https://drive.google.com/drive/u/0/my-drive", "root"},
  }));
  CAPTURE(good.url);
  const auto folder = parse_drive_url(good.url);
  if (!folder.has_value()) FAIL(folder.error().message());
  CHECK(folder->id.value() == good.id);
  CHECK(folder->resource_key == good.key);
}

TEST_CASE("a link to a file, a document or a view says that it is no folder", "[drive]") {
  const std::string url = GENERATE_COPY(values<std::string>({
      "https://drive.google.com/file/d/" + kId + "/view?usp=sharing",
      "https://drive.google.com/file/d/" + kId + "/edit",
      "https://drive.google.com/file/d/" + kId + "/preview",
      "https://drive.google.com/file/u/1/d/" + kId + "/view",
      "https://drive.google.com/a/example.com/file/d/" + kId + "/view",
      "https://drive.google.com/uc?id=" + kId + "&export=download",
      "https://drive.google.com/u/0/uc?id=" + kId,
      "https://drive.google.com/thumbnail?id=" + kId,
      "https://drive.usercontent.google.com/download?id=" + kId,
      "https://docs.google.com/document/d/" + kId + "/edit",
      "https://docs.google.com/spreadsheets/u/0/d/" + kId + "/edit#gid=0",
      "https://docs.google.com/presentation/d/" + kId,
      "https://docs.google.com/uc?id=" + kId,
      "https://docs.google.com/",
      "https://drive.google.com/",
      "https://drive.google.com",
      "https://drive.google.com/drive",
      "https://drive.google.com/drive/recent",
      "https://drive.google.com/drive/shared-with-me",
      "https://drive.google.com/drive/u/0/shared-drives",
      "https://drive.google.com/drive/search?q=cats",
  }));
  CAPTURE(url);
  const auto folder = parse_drive_url(url);
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error().code() == ErrorCode::kInvalidArgument);
  CHECK(folder.error().reason() == "not_a_folder_url");
  CHECK_FALSE(folder.error().remedy().empty());
}

TEST_CASE("anything else is a bad URL, with what to paste instead", "[drive]") {
  const std::string url = GENERATE_COPY(values<std::string>({
      "",
      "   \t\n",
      "/",
      "?",
      "#",
      "://",
      "https://",
      "https:///drive/folders/" + kId,
      "https://example.com/drive/folders/" + kId,
      "https://drive.google.com.example.com/drive/folders/" + kId,
      "https://notdrive.google.com/drive/folders/" + kId,
      "https://example.com/?u=https://drive.google.com/drive/folders/" + kId,
      "https://drive.google.com@example.com/drive/folders/" + kId,
      "https://user:pw@drive.google.com/drive/folders/" + kId,
      "https://drive.google.com:8080/drive/folders/" + kId,
      "javascript:alert(1)",
      "javascript://drive.google.com/drive/folders/" + kId,
      "data:text/html,x",
      "file:///etc/passwd",
      "ftp://drive.google.com/drive/folders/" + kId,
      "mailto:me@drive.google.com",
      "https://photos.app.goo.gl/abc",
      "https://drive.google.com/drive/folders/",
      "https://drive.google.com/drive/folders",
      "https://drive.google.com/open",
      "https://drive.google.com/open?id=",
      "https://drive.google.com/folderview?id=a'b",
      "https://drive.google.com/drive/folders/1Ab'%20or%20'1'='1",
      "https://drive.google.com/drive/folders/1Ab%27x",
      "https://drive.google.com/drive/folders/..%2f..%2fetc",
      "https://drive.google.com/drive/folders/1A%00b",
      "https://drive.google.com/drive/folders/1A%zz",
      "https://drive.google.com/drive/folders/" + std::string(129, 'a'),
      "https://drive.google.com/drive/folders/" + kId + "?resourcekey=a,b/c",
      "https://drive.google.com/drive/folders/" + kId + "?x=" + std::string(3'000, 'a'),
      "1Ab'x",
      "1Ab\"x",
      "1Ab x",
      "1Ab\x01x",
      "1Ab\xff\xfe",
      "é" + kId,
      std::string(129, 'a'),
      std::string(100'000, 'a'),
      "my folder",
  }));
  CAPTURE(url.substr(0, 200));
  const auto folder = parse_drive_url(url);
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error().code() == ErrorCode::kInvalidArgument);
  CHECK(folder.error().reason() == "bad_url");
  CHECK_FALSE(folder.error().remedy().empty());
}

TEST_CASE("no prefix and no change of a byte of a link makes the parser fail badly", "[drive]") {
  const std::string whole =
      "https://drive.google.com/a/example.com/drive/u/1/folders/" + kId + "?resourcekey=0-a&amp;x=%41#f";
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    static_cast<void>(parse_drive_url(whole.substr(0, i)));
    static_cast<void>(parse_drive_url(whole.substr(i)));
    for (const char c : {'\0', '%', '/', '?', '#', '&', '=', ':', '@', '\xff'}) {
      std::string changed = whole;
      changed.insert(i, 1, c);
      const auto folder = parse_drive_url(changed);
      if (folder.has_value()) CHECK(folder->id.value().find_first_of("'/%\\ ") == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace imgimport
