#include "app/refusal.hpp"

#include <boost/json.hpp>
#include <cstdio>

#include "base/sentence.hpp"

namespace imgimport {
namespace {

constexpr int kNotBegun = 2;

}  // namespace

std::string refusal_text(const Error& error) {
  return "imgimport: " + sentences(error.message(), error.remedy());
}

std::string refusal_json(const Error& error) {
  return boost::json::serialize(boost::json::object{
             {"error", error.message()}, {"code", error.reason_or_code()}, {"remedy", error.remedy()}}) +
         "\n";
}

void print_refusal(const Error& error, ReportFormat format) {
  if (format == ReportFormat::kJson) std::fputs(refusal_json(error).c_str(), stdout);
  std::fprintf(stderr, "%s\n", refusal_text(error).c_str());
}

int refuse(const Error& error, ReportFormat format) {
  print_refusal(error, format);
  return kNotBegun;
}

}  // namespace imgimport
