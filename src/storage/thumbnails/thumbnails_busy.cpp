#include "storage/thumbnails/thumbnails_busy.hpp"

#include <chrono>

namespace imgimport {

Error thumbnails_busy() {
  return Error(ErrorCode::kUnavailable, "too many thumbnails are waiting to be made")
      .with_reason("thumbnails_busy")
      .with_remedy("Ask again in a moment.")
      .with_retry_after(std::chrono::seconds(2));
}

}  // namespace imgimport
