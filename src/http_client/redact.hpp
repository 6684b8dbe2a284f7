// Keeps secrets out of texts that people and logs will see. Pure.
#pragma once

#include <string>
#include <string_view>

namespace imgimport {

// Replaces the values of secret query parameters (key, sig, access_token, X-Amz-Signature…) and the user part of URLs
// by
// "***", wherever they stand in `text`.
std::string redact_secrets(std::string_view text);

}  // namespace imgimport
