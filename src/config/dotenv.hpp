// The .env file, read as docker compose reads it, so that both see the same values.
// https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
//
// KEY=VALUE lines; "export " before them, blank lines and # comments are skipped. A bare value ends at " #" and is
// trimmed; 'single quotes' are literal but for \'; "double quotes" know \n \r \t \\ \" \$; both may span lines.
// Bare and double-quoted values take $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:+other} and
// ${NAME+other} from the environment, else from the lines above; $$ is a dollar sign. A name alone has no value here.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/result.hpp"

namespace imgimport {

// Names and values of environment variables.
using Environment = std::map<std::string, std::string, std::less<>>;

struct DotenvEntry {
  std::string name;
  std::string value;
  std::size_t line = 0;  // from 1
  // Whether it refers to a variable that is not set, and gives no default: often a dollar sign that was meant as one.
  bool refers_to_nothing = false;
};

// kInvalidArgument names the line that cannot be read; it never shows a value, which may be a secret.
Result<std::vector<DotenvEntry>> parse_dotenv(std::string_view text, const Environment& environment);

}  // namespace imgimport
