// The program: from the command line to the exit code.
#pragma once

#include <string>
#include <vector>

namespace imgimport {

// `arguments` without the program's name. 0 = done; 1 = the work did not succeed; 2 = it could not begin: a wrong
// setting or argument, told in one sentence on standard error.
int run_program(const std::vector<std::string>& arguments);

}  // namespace imgimport
