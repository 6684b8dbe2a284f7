// What the program does when it is started as a decoder process: it takes orders from the socket that is its standard
// input, one after the other, and never returns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace imgimport {

// The first argument of a decoder process; the others are its limits (decoder_process.cpp writes them).
inline constexpr std::string_view kDecoderFlag = "--decode-images";

// `arguments` with the flag at their beginning. Ends the process when the socket does.
[[noreturn]] void run_decoder(const std::vector<std::string>& arguments);

}  // namespace imgimport
