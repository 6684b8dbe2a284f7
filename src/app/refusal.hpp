// How a command says why it could not do its work.
#pragma once

#include <string>

#include "app/report_format.hpp"
#include "imgimport/error.hpp"

namespace imgimport {

// "imgimport: message. Remedy."
std::string refusal_text(const Error& error);
// The same for scripts, in the shape of the API's errors, as one line.
std::string refusal_json(const Error& error);

// The sentence goes to standard error; where the report would have been JSON, JSON takes its place on standard output.
void print_refusal(const Error& error, ReportFormat format);

// Prints it, and gives the exit code of what could not begin: 2.
int refuse(const Error& error, ReportFormat format = ReportFormat::kText);

}  // namespace imgimport
