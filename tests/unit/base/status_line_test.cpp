#include "base/status_line.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/log.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

// What `work` writes to standard error.
template <class Work>
std::string written_by(Work work) {
  const TempDir dir;
  const auto path = dir.path() / "stderr";
  std::fflush(stderr);
  const int before = dup(STDERR_FILENO);
  std::FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  dup2(fileno(file), STDERR_FILENO);
  work();
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  std::fclose(file);
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST_CASE("a log line goes above the status line, which is drawn again below it", "[log]") {
  const std::string erase = "\r\033[K";
  const std::string text = written_by([] {
    set_status_line("[##..] 50%");
    log_error("trouble", {{"n", 1}});
    print_above_status_line("a note");
    set_status_line("[###.] 75%");
    set_status_line({});
    log_error("after");
    set_status_line({});
  });
  CAPTURE(text);
  CHECK_THAT(text, Catch::StartsWith(erase + "[##..] 50%" + erase));
  const auto logged = text.find("trouble n=1\n[##..] 50%");
  CHECK(logged != std::string::npos);
  CHECK(text.find(erase + "a note\n[##..] 50%" + erase + "[###.] 75%" + erase, logged) != std::string::npos);
  // Nothing of it is left.
  const auto last = text.rfind(erase);
  CHECK(text.find("[###.]", last) == std::string::npos);
  CHECK_THAT(text, Catch::EndsWith("after\n"));
}

}  // namespace
}  // namespace imgimport
