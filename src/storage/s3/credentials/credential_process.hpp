// Credentials from a program: credential_process of a profile.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"

namespace imgimport {

// Standard output of a program that ended with 0. It is found as execvp() does, and gets this process's environment and
// nothing to read; its standard error is thrown away, for it may hold what it works with. Blocks; the program and its
// children in its process group are killed when the call ends before they do.
// kMisconfigured: it cannot be started, or fails; kTooLarge: more than 64 KiB; kUnavailable: not done within `limit`.
// REQUIRES: !words.empty()
Result<std::string> run_program(const CallContext& context, const std::vector<std::string>& words,
                                std::chrono::milliseconds limit);

// What the program prints: {"Version": 1, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}.
// kMisconfigured: not that, or expired at `now`. Pure.
Result<AwsCredentials> parse_process_output(std::string_view output, Timestamp now);

// Both. Errors name the profile, and never the program's arguments or output.
Result<AwsCredentials> credentials_from_process(const CallContext& context, std::string_view profile,
                                                std::string_view command_line, Timestamp now);

}  // namespace imgimport
