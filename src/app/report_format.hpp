// For whom a command writes its report: people, or scripts (--json).
#pragma once

#include <cstdint>

namespace imgimport {

enum class ReportFormat : std::uint8_t { kText = 1, kJson };

}  // namespace imgimport
