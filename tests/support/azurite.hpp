// Azurite, Microsoft's emulator of Azure Blob Storage, as a child process: it checks signatures and MD5s.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "storage/azure/connection_string.hpp"
#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

class Azurite {
 public:
  // Starts one on a free port. On the main thread: it ends with the thread that started it. Throws std::runtime_error
  // with the remedy in words when it is not installed (tests/support/azurite.sh install) or does not start.
  Azurite();
  // Stops it, and removes what it stored.
  ~Azurite();
  Azurite(const Azurite&) = delete;
  Azurite& operator=(const Azurite&) = delete;

  // One for all test cases of a program, started by the first that asks; each takes containers of its own.
  static Azurite& shared();
  // A name that no container has yet.
  static std::string fresh_container();

  const std::string& connection_string() const noexcept { return connection_string_; }
  AzureAccount account() const;
  // The requests that it has answered so far, as its log has them, e.g. "PUT /devstoreaccount1/images/key HTTP/1.1"
  // 201.
  std::vector<std::string> requests() const;
  // The settings with which imgimport stores into a container of it.
  std::map<std::string, std::string> settings(const std::string& container = "images") const;

 private:
  const TempDir dir_;
  ChildProcess script_;
  std::string connection_string_;
};

}  // namespace imgimport
