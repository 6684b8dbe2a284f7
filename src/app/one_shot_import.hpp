// `imgimport import URL`: one import from begin to end, with progress on the terminal and a report; no server left
// behind.
#pragma once

#include "app/report_format.hpp"
#include "config/config.hpp"
#include "imgimport/import_service.hpp"

namespace imgimport {

// The exit code: 0 = every image is safe in storage (or: the dry run is complete); 1 = something failed, was put off
// for hours, or was interrupted (the same command goes on: what has arrived is skipped); 2 = it could not begin.
int one_shot_import(const Config& config, const ImportRequest& request, ReportFormat format);

}  // namespace imgimport
