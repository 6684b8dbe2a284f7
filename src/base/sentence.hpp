// Messages and remedies are written without a full stop where they may stand alone; here they become running text.
#pragma once

#include <string>
#include <string_view>

namespace imgimport {

// With a full stop at its end; nothing stays nothing.
std::string sentence(std::string_view text);

// With a capital at its beginning, unless it begins with the program's own name or with a word that is no word of a
// sentence (a setting, a flag, a path).
std::string with_capital(std::string text);

// One after the other, each as a sentence, the second with a capital; what is empty is left out.
std::string sentences(std::string_view first, std::string_view second);

}  // namespace imgimport
