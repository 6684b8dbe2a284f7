// `imgimport status [URL]`: a whole deployment's state, asked of its gateway.
#pragma once

#include <string>

#include "app/one_shot_import.hpp"
#include "config/config.hpp"

namespace imgimport {

// `url` of a gateway; empty = the one on this host by the settings. API_TOKEN goes along. 0: healthy; 1: something is
// away, or no worker is there; 2: no gateway answers there, or it wants another token.
int one_shot_status(const Config& config, const std::string& url, ReportFormat format);

}  // namespace imgimport
