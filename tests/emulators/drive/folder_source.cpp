#include "emulators/drive/folder_source.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "emulators/drive/image_facts.hpp"

namespace imgimport::emulator {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKeepInAll = 1ULL << 30;
constexpr std::uint64_t kKeepOne = 16 << 20;

struct Entry {
  fs::path path;
  std::string relative;
  bool is_folder = false;
  std::uint64_t size = 0;
  FileOptions file;
};

std::string mime_of(const fs::path& path) {
  static const std::map<std::string, std::string, std::less<>> kKnown = {
      {".jpg", "image/jpeg"},    {".jpeg", "image/jpeg"},    {".png", "image/png"},   {".gif", "image/gif"},
      {".webp", "image/webp"},   {".heic", "image/heif"},    {".heif", "image/heif"}, {".avif", "image/avif"},
      {".tif", "image/tiff"},    {".tiff", "image/tiff"},    {".bmp", "image/bmp"},   {".jxl", "image/jxl"},
      {".svg", "image/svg+xml"}, {".txt", "text/plain"},     {".html", "text/html"},  {".pdf", "application/pdf"},
      {".mp4", "video/mp4"},     {".mov", "video/quicktime"}};
  const auto known = kKnown.find(to_lower_ascii(path.extension().string()));
  return known == kKnown.end() ? "application/octet-stream" : known->second;
}

// 33 characters, as Drive's ids have, from the path alone.
std::string id_of(const std::string& relative) {
  const std::string hash = bytes_content("drive-emulator:" + relative)->hashes().sha256;
  return "1" + hash.substr(0, 32);
}

std::vector<Entry> entries_of(const fs::path& top) {
  std::vector<Entry> entries;
  std::error_code failed;
  auto walk = fs::recursive_directory_iterator(top, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && walk != fs::recursive_directory_iterator(); walk.increment(failed)) {
    const bool is_folder = walk->is_directory(failed);
    if (walk->path().filename().string().starts_with('.')) {
      if (is_folder) walk.disable_recursion_pending();
      continue;
    }
    if (!is_folder && !walk->is_regular_file(failed)) continue;
    entries.push_back({.path = walk->path(),
                       .relative = walk->path().lexically_relative(top).string(),
                       .is_folder = is_folder,
                       .size = is_folder ? 0 : walk->file_size(failed)});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.relative < b.relative; });
  return entries;
}

// Everything about a file that takes time; on any thread.
void prepare(Entry& entry, std::uint64_t keep_below) {
  entry.file.content = file_content(entry.path.string(), keep_below);
  if (!entry.file.content) return;
  entry.file.content->hashes();
  entry.file.mime_type = mime_of(entry.path);
  entry.file.id = id_of(entry.relative);
  entry.file.image = read_image_facts(entry.file.content->copy_string(0, std::min(entry.size, kKeepOne)));
  std::error_code failed;
  const auto written = fs::last_write_time(entry.path, failed);
  if (!failed) {
    entry.file.modified = std::chrono::floor<std::chrono::milliseconds>(std::chrono::file_clock::to_sys(written));
  }
}

void prepare_all(std::vector<Entry>& entries) {
  std::uint64_t total = 0;
  for (const Entry& entry : entries) total += entry.size;
  const std::uint64_t keep_below = total <= kKeepInAll ? kKeepOne : 0;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < entries.size(); i = next++) {
      if (!entries[i].is_folder) prepare(entries[i], keep_below);
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) helpers.emplace_back(work);
  work();
}

}  // namespace

Result<std::string> add_folder_from_disk(DriveTree& tree, const std::string& parent, const std::string& path) {
  const fs::path top = fs::path(path).lexically_normal();
  std::error_code failed;
  if (!fs::is_directory(top, failed)) return Error(ErrorCode::kNotFound, path + " is not a folder");
  std::vector<Entry> entries = entries_of(top);
  prepare_all(entries);
  const std::string name = (top.has_filename() ? top : top.parent_path()).filename().string();
  const std::string root = tree.add_folder(parent, name, {.id = id_of("")});
  for (const Entry& entry : entries) {
    const std::size_t slash = entry.relative.rfind('/');
    const std::string folder = slash == std::string::npos ? root : id_of(entry.relative.substr(0, slash));
    const std::string own_name = to_valid_utf8(entry.path.filename().string());
    if (entry.is_folder) {
      tree.add_folder(folder, own_name, {.id = id_of(entry.relative)});
    } else if (entry.file.content) {
      tree.add_file(folder, own_name, entry.file);
    } else {
      return Error(ErrorCode::kUnavailable, entry.path.string() + " cannot be read");
    }
  }
  return root;
}

}  // namespace imgimport::emulator
