// A source in memory with real behaviour: folders with pages, files with bytes, and faults by script.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "imgimport/source.hpp"

namespace imgimport {

// Thread-safe. Links are "mem:<folder id>".
class MemorySource : public Source {
 public:
  // The content of a file; the listing shows its size and SHA-256 unless changed through `listed`.
  SourceFile& add_file(const std::string& folder, const std::string& id, const std::string& name, std::string content);
  void add_folder(const std::string& parent, const std::string& id, const std::string& name);
  void add_file_shortcut(const std::string& folder, const std::string& id, const std::string& target);
  void add_folder_shortcut(const std::string& folder, const std::string& id, const std::string& target);
  // The folder lies in that drive, and lists as empty where the drive is not named.
  void set_shared_drive(const std::string& folder, const std::string& drive);
  // Listings of the folder say that they may not be complete.
  void set_incomplete(const std::string& folder);
  void set_page_size(std::size_t entries) { page_size_ = entries; }
  void set_content(const std::string& id, std::string content);
  // So many bytes at most come with one read.
  void set_piece_size(std::size_t bytes) { piece_size_ = bytes; }

  // Asked before each call: an error here is the call's answer. `what`: "root", "list", "look_up", "open".
  using Fault = std::function<std::optional<Error>(const std::string& what, const std::string& id)>;
  void set_fault(Fault fault);
  // So many calls of root() hang until their context ends them.
  void set_hanging_roots(int calls) { hanging_roots_ = calls; }
  // What a download really delivers, instead of the whole rest from `offset`.
  struct Delivery {
    std::string bytes;
    std::optional<Error> then;  // after the bytes; nullopt = the end
  };
  using Deliver = std::function<std::optional<Delivery>(const std::string& id, std::uint64_t offset, int open_count)>;
  void set_delivery(Deliver deliver);

  int opens(const std::string& id) const;
  int total_opens() const;
  int lists() const { return lists_.load(); }

  Result<FolderRef> parse_url(std::string_view url) const override;
  Result<FolderRef> root(const CallContext& context, const FolderRef& folder) override;
  Result<SourcePage> list(const CallContext& context, const FolderRef& folder, std::string_view page_token) override;
  Result<SourceFile> look_up(const CallContext& context, const FileRef& file) override;
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context, const FileRef& file,
                                           std::uint64_t offset) override;
  SourceCosts costs() const override { return {100, 5, 200}; }

 private:
  std::optional<Error> fault(const std::string& what, const std::string& id) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::string> folder_names_{{"root", "Root"}};
  std::map<std::string, std::string> shared_drives_;  // by folder
  std::set<std::string> incomplete_;
  std::map<std::string, std::vector<SourceEntry>> children_;
  std::map<std::string, SourceFile> files_;
  std::map<std::string, std::string> contents_;
  std::map<std::string, int> opens_;
  Fault fault_;
  Deliver deliver_;
  std::size_t page_size_ = 1'000;
  std::size_t piece_size_ = SIZE_MAX;
  std::atomic<int> lists_{0};
  std::atomic<int> hanging_roots_{0};
};

// Bytes that are a JPEG by their beginning, different for each seed.
std::string fake_jpeg(int seed, std::size_t size = 300);

}  // namespace imgimport
