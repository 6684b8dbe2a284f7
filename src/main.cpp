#include <string>
#include <vector>

#include "app/program.hpp"

int main(int count, char** words) {
  return imgimport::run_program(std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count));
}
