// Result<T>: a value or an Error, which the compiler does not let you ignore.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

#include "imgimport/error.hpp"

namespace imgimport {

// Called by boost::system::result when value() is asked of an error: a bug in the caller, so it crashes with the text.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("value() of a failed Result: " + error.message());
}

// Note: error() of an lvalue copies; write std::move(result).error() where the result is not needed any more.
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

}  // namespace imgimport

#define IMGIMPORT_CONCAT_INNER(a, b) a##b
#define IMGIMPORT_CONCAT(a, b) IMGIMPORT_CONCAT_INNER(a, b)

// Returns the error of `expression` from the enclosing function, or goes on.
#define IMGIMPORT_RETURN_IF_ERROR(expression)                                  \
  do {                                                                         \
    if (auto imgimport_result = (expression); !imgimport_result.has_value()) { \
      return std::move(imgimport_result).error();                              \
    }                                                                          \
  } while (false)

// IMGIMPORT_ASSIGN_OR_RETURN(auto page, source.list(...)): declares (or assigns) the value, or returns the error.
#define IMGIMPORT_ASSIGN_OR_RETURN(declaration, expression) \
  IMGIMPORT_ASSIGN_OR_RETURN_INNER(IMGIMPORT_CONCAT(imgimport_result_, __LINE__), declaration, expression)
#define IMGIMPORT_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                             \
  if (!result.has_value()) return std::move(result).error();              \
  declaration = *std::move(result)
