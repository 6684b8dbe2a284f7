// The words for fault actions in scenario files and counters.
#pragma once

#include <array>
#include <string_view>

#include "emulators/drive/faults.hpp"

namespace imgimport::emulator {

struct ActionName {
  FaultAction action;
  std::string_view name;
};

inline constexpr std::array kActionNames = {
    ActionName{FaultAction::kNone, "none"},
    ActionName{FaultAction::kStatus, "status"},
    ActionName{FaultAction::kHtml200, "html_200"},
    ActionName{FaultAction::kJson200, "json_200"},
    ActionName{FaultAction::kTruncate, "truncate"},
    ActionName{FaultAction::kShortBody, "short_body"},
    ActionName{FaultAction::kReset, "reset"},
    ActionName{FaultAction::kStall, "stall"},
    ActionName{FaultAction::kFlipByte, "flip_byte"},
    ActionName{FaultAction::kWrongContent, "wrong_content"},
    ActionName{FaultAction::kDrop, "drop"},
    ActionName{FaultAction::kExpirePageTokens, "expire_page_tokens"},
    ActionName{FaultAction::kExpireAccessTokens, "expire_access_tokens"},
};

}  // namespace imgimport::emulator
