#include "emulators/drive/nasty_tree.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace imgimport::emulator {
namespace {

using namespace std::string_literals;

class Builder {
 public:
  Builder(DriveEmulator& drive, const NastyOptions& options) : drive_(drive), tree_(drive.tree()), options_(options) {
    // Three pages at least, an empty one among them, and one that is shorter than asked for.
    nasty_.root = tree_.add_folder(drive.root_id(), "nasty / .. \"folder\"", {.page_layout = {1000, 0, 700}});
  }

  NastyTree build() {
    add_names();
    add_types();
    add_strange_contents();
    add_refused();
    add_not_images();
    add_nested();
    add_shortcuts();
    add_keyed();
    add_exhausted();
    fill_up();
    return std::move(nasty_);
  }

 private:
  std::string add(const std::string& parent, const std::string& name, FileOptions file, Outcome outcome,
                  std::string why) {
    if (!file.content && file.size == FileOptions{}.size) file.size = options_.image_bytes;
    const std::string id = tree_.add_file(parent, name, file);
    const auto item = tree_.find(id);
    const ContentPtr& bytes = item->served ? item->served : item->content;
    nasty_.files[id] = {.name = name,
                        .outcome = outcome,
                        .sha256 = bytes->hashes().sha256,
                        .size = bytes->size(),
                        .why = std::move(why)};
    return id;
  }
  std::string add_image(const std::string& parent, const std::string& name, std::string why) {
    return add(parent, name, {}, Outcome::kStored, std::move(why));
  }

  void add_names() {
    std::string long_name;
    for (int i = 0; i < 61; ++i) long_name += "\u00E4\u5199\U0001F3D4x";
    const std::array names = {"a/b/c.jpg"s,
                              "../../etc/passwd.jpg"s,
                              ".."s,
                              "."s,
                              "..jpg"s,
                              "/absolute.jpg"s,
                              "back\\slash.jpg"s,
                              "C:\\Windows\\x.jpg"s,
                              "CON.jpg"s,
                              "trailing space .jpg "s,
                              "trailing dots...jpg.."s,
                              " "s,
                              "no extension"s,
                              "quote's \"double\" `tick`.jpg"s,
                              "new\nline.jpg"s,
                              "tab\tand\x01"
                              "control.jpg"s,
                              "-rf.jpg"s,
                              "%2e%2e%2fpercent.jpg"s,
                              "question?hash#amp&equals=.jpg"s,
                              "\U0001F600\U0001F468\u200D\U0001F469\u200D\U0001F467.jpg"s,
                              "\u202Egpj.exe.jpg"s,
                              "e\u0301 (decomposed).jpg"s,
                              "\u00E9 (composed).jpg"s,
                              "*.jpg"s,
                              "<script>alert(1)</script>.jpg"s,
                              "; DROP TABLE images; --.jpg"s,
                              std::string(246, 'n') + ".jpg",
                              long_name + ".jpg"s};
    for (const std::string& name : names) add_image(nasty_.root, name, "an odd name");
    for (int i = 0; i < 5; ++i) add_image(nasty_.root, "same name.jpg", "five files of one name in one folder");
    first_image_ = add_image(nasty_.root, "first.jpg", "a shortcut beside it points at it");
  }

  void add_types() {
    using enum ContentType;
    for (const ContentType type : {kPng, kGif, kWebp, kBmp, kTiff, kHeic, kAvif, kJxl, kPsd, kIco}) {
      add(nasty_.root, "type." + std::string(to_string(type)), {.type = type}, Outcome::kStored,
          "another type of image");
    }
    add(nasty_.root, "IMG_0001.HEIC", {.mime_type = "application/octet-stream", .type = kHeic}, Outcome::kStored,
        "HEIC as octet-stream");
    add(nasty_.root, "IMG_0002.heic", {.mime_type = "image/heif", .type = kJpeg}, Outcome::kStored,
        "a JPEG that is called .heic");
    add(nasty_.root, "raw.dng", {.mime_type = "application/octet-stream", .type = kTiff}, Outcome::kStored,
        "a raw photo as octet-stream");
    add(nasty_.root, "really a png.jpg", {.mime_type = "image/jpeg", .type = kPng}, Outcome::kStored,
        "an image of another type than declared");
    add(nasty_.root, "drawing.svg",
        {.mime_type = "image/svg+xml",
         .content = bytes_content(
             "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"></svg>")},
        Outcome::kStored, "an SVG that says so");
  }

  void add_strange_contents() {
    for (int i = 0; i < 4; ++i) {
      add(nasty_.root, "no hashes " + std::to_string(i) + ".jpg", {.hashes = ShownHashes::kNone},
          Outcome::kStoredUnverified, "Drive tells no hash");
      add(nasty_.root, "md5 only " + std::to_string(i) + ".jpg", {.hashes = ShownHashes::kMd5Only}, Outcome::kStored,
          "Drive tells only the MD5");
    }
    add(nasty_.root, "html posing.jpg", {.mime_type = "image/jpeg", .type = ContentType::kHtml}, Outcome::kFailed,
        "a web page that is declared a JPEG");
    add(nasty_.root, "text posing.png", {.mime_type = "image/png", .type = ContentType::kText}, Outcome::kFailed,
        "a text that is declared a PNG");
    add(nasty_.root, "empty.jpg", {.mime_type = "image/jpeg", .content = bytes_content("")}, Outcome::kFailed,
        "no bytes at all");
    const ContentPtr told = synthetic_content({.seed = 77, .index = 1, .size = options_.image_bytes});
    const ContentPtr given = synthetic_content({.seed = 77, .index = 2, .size = options_.image_bytes});
    add(nasty_.root, "from google photos.jpg", {.content = told, .served = given}, Outcome::kStoredUnverified,
        "the bytes have another hash than Drive tells, the same each time");
    for (int i = 0; i < 3; ++i) {
      add(nasty_.root, "copy " + std::to_string(i) + ".jpg", {.index = 4711}, Outcome::kStored, "three equal contents");
    }
  }

  void add_refused() {
    add(nasty_.root, "viewers may not download.jpg", {.can_download = false}, Outcome::kFailed, "cannotDownloadFile");
    add(nasty_.root, "malware.jpg", {.abusive = true}, Outcome::kFailed, "cannotDownloadAbusiveFile");
    for (int i = 0; i < 3; ++i) {
      add(nasty_.root, "in the bin " + std::to_string(i) + ".jpg", {.trashed = true}, Outcome::kNotListed, "trashed");
    }
    const std::string bin = tree_.add_folder(nasty_.root, "folder in the bin", {.trashed = true});
    add(bin, "below the bin.jpg", {.trashed = true}, Outcome::kNotListed, "in a trashed folder");
  }

  void add_not_images() {
    for (const char* kind : {"document", "spreadsheet", "presentation", "form", "drawing"}) {
      const std::string id =
          tree_.add_document(nasty_.root, "A Google "s + kind, "application/vnd.google-apps."s + kind);
      nasty_.files[id] = {.name = "A Google "s + kind, .outcome = Outcome::kIgnored, .why = "a Google document"};
    }
    add(nasty_.root, "IMG_0001.MOV", {.mime_type = "video/quicktime", .type = ContentType::kMp4}, Outcome::kIgnored,
        "a video");
    add(nasty_.root, "notes.txt", {.type = ContentType::kText}, Outcome::kIgnored, "a text");
    add(nasty_.root, "blob.bin", {.mime_type = "application/octet-stream"}, Outcome::kIgnored,
        "octet-stream without an image's extension");
  }

  void add_nested() {
    std::string folder = nasty_.root;
    for (int depth = 1; depth <= 12; ++depth) {
      folder = tree_.add_folder(
          folder, depth % 3 == 0 ? "../up" : "level " + std::to_string(depth),
          {.page_layout = depth % 4 == 0 ? std::vector<std::size_t>{0, 1, 0} : std::vector<std::size_t>{}});
      for (int i = 0; i < 3; ++i) add_image(folder, "nested " + std::to_string(i) + ".jpg", "in a nested folder");
    }
    deepest_ = folder;
    tree_.add_folder(nasty_.root, "an empty folder");
    for (int i = 0; i < 2; ++i) {
      const std::string twin = tree_.add_folder(nasty_.root, "twin");
      add_image(twin, "same name.jpg", "two folders of one name");
    }
  }

  void add_shortcuts() {
    tree_.add_shortcut(deepest_, "back to the top", nasty_.root);
    const std::string loop = tree_.add_folder(nasty_.root, "loop");
    tree_.add_shortcut(loop, "myself", loop);
    add_image(loop, "once only.jpg", "in a folder that holds a shortcut to itself");

    const std::string elsewhere = tree_.add_folder(drive_.root_id(), "elsewhere");
    for (int i = 0; i < 3; ++i) add_image(elsewhere, "far " + std::to_string(i) + ".jpg", "behind a folder shortcut");
    tree_.add_shortcut(nasty_.root, "to another place", elsewhere);
    tree_.add_shortcut(nasty_.root, "to another place again", elsewhere);

    const std::string outside = tree_.add_folder(drive_.root_id(), "outside");
    const std::string target = add_image(outside, "target.jpg", "behind a file shortcut");
    tree_.add_shortcut(nasty_.root, "shortcut to target", target);
    tree_.add_shortcut(nasty_.root, "shortcut to target (2)", target);
    tree_.add_shortcut(nasty_.root, "to a neighbour", first_image_);
    add(outside, "unreachable.jpg", {}, Outcome::kNotListed, "outside of the folder");
    const std::string text =
        add(outside, "readme.txt", {.type = ContentType::kText}, Outcome::kIgnored, "a shortcut to a text");
    tree_.add_shortcut(nasty_.root, "to a text", text);

    const std::string broken = tree_.add_shortcut(nasty_.root, "to nothing.jpg", "1GoneGoneGoneGoneGoneGoneGoneGone");
    nasty_.files[broken] = {
        .name = "to nothing.jpg", .outcome = Outcome::kFailed, .why = "a shortcut whose target is gone"};
    tree_.add_shortcut(nasty_.root, "to no folder", "1LostLostLostLostLostLostLostLost",
                       {.target_mime_type = std::string(kFolderMime)});
  }

  void add_keyed() {
    const std::string folder = tree_.add_folder(nasty_.root, "link-shared long ago", {.resource_key = "0-FolderKey"});
    add(folder, "needs a key.jpg", {.resource_key = "0-FileKey"}, Outcome::kStored, "a file with a resource key");
    add_image(folder, "needs none.jpg", "in a folder with a resource key");
    const std::string outside = tree_.add_folder(drive_.root_id(), "keyed");
    const std::string target = add(outside, "keyed target.jpg", {.resource_key = "0-TargetKey"}, Outcome::kStored,
                                   "behind a shortcut that holds its resource key");
    tree_.add_shortcut(nasty_.root, "to a keyed file", target, {.target_resource_key = "0-TargetKey"});
  }

  void add_exhausted() {
    for (std::size_t i = 0; i < options_.quota_exhausted; ++i) {
      const std::string id = add(nasty_.root, "popular " + std::to_string(i) + ".jpg", {}, Outcome::kDeferred,
                                 "its download quota is used up");
      drive_.faults().add({.match = RequestKind::kDownload,
                           .file_id = id,
                           .action = FaultAction::kReason,
                           .reason = "downloadQuotaExceeded"});
    }
  }

  void fill_up() {
    const std::size_t wanted = options_.images + options_.quota_exhausted;
    const std::size_t now = nasty_.candidates();
    if (now >= wanted) return;
    const ManyFiles many{.count = wanted - now, .size = options_.image_bytes, .name_prefix = "plain-"};
    for (const std::string& id : tree_.add_files(nasty_.root, many)) {
      const auto item = tree_.find(id);
      nasty_.files[id] = {
          .name = item->name, .sha256 = item->hashes.sha256, .size = *item->size, .why = "nothing special"};
    }
  }

  DriveEmulator& drive_;
  DriveTree& tree_;
  const NastyOptions options_;
  NastyTree nasty_;
  std::string deepest_;
  std::string first_image_;
};

}  // namespace

std::size_t NastyTree::count(Outcome outcome) const {
  return static_cast<std::size_t>(
      std::count_if(files.begin(), files.end(), [&](const auto& file) { return file.second.outcome == outcome; }));
}

std::size_t NastyTree::candidates() const {
  return files.size() - count(Outcome::kIgnored) - count(Outcome::kNotListed);
}

NastyTree build_nasty_tree(DriveEmulator& drive, const NastyOptions& options) {
  return Builder(drive, options).build();
}

}  // namespace imgimport::emulator
