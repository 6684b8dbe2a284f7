// SQL texts fixed at compile time: values can only be bound to them, never spliced in.
#pragma once

#include <cstddef>

namespace imgimport::db {

// A piece of SQL; pieces are joined by + into constants, e.g. a list of columns used by several queries.
template <std::size_t N>
struct SqlText {
  char text[N]{};

  consteval SqlText() = default;
  consteval SqlText(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
};

template <std::size_t N, std::size_t M>
consteval SqlText<N + M - 1> operator+(const SqlText<N>& left, const SqlText<M>& right) {
  SqlText<N + M - 1> joined;
  for (std::size_t i = 0; i < N - 1; ++i) joined.text[i] = left.text[i];
  for (std::size_t i = 0; i < M; ++i) joined.text[N - 1 + i] = right.text[i];
  return joined;
}
template <std::size_t N, std::size_t M>
consteval auto operator+(const SqlText<N>& left, const char (&right)[M]) {
  return left + SqlText<M>(right);
}
template <std::size_t N, std::size_t M>
consteval auto operator+(const char (&left)[N], const SqlText<M>& right) {
  return SqlText<N>(left) + right;
}

// A whole statement. Its address is its identity in a connection's cache.
class Sql {
 public:
  consteval Sql(const char* text) : text_(text) {}
  template <std::size_t N>
  consteval Sql(const SqlText<N>& text) : text_(text.text) {}
  constexpr const char* text() const noexcept { return text_; }

 private:
  const char* text_;
};

}  // namespace imgimport::db
