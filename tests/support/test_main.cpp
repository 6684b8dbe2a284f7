#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "imaging/decoder_main.hpp"

// Like the program itself, a test's is what its decoder processes run.
int main(int count, char** words) {
  if (count > 1 && words[1] == imgimport::kDecoderFlag) {
    imgimport::run_decoder(std::vector<std::string>(words + 1, words + count));
  }
  return Catch::Session().run(count, words);
}
