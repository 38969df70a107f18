// The grammar of one line of a STAR table.
//
// What counts as what, the same wherever rows are read:
// - a line ends at '\n'; the last line of a buffer may lack it; a '\r' before it is white space
// - a blank line and a line that begins with '#' are no rows; the table goes on behind them
// - a line that holds only `data_...` or `loop_` (a comment may follow) ends the table
// - every other line is a row; its values are parted by white space; a value in quotes ends at the
//   same quote before white space; '#' inside or at the start of a value belongs to it, and only
//   behind the last column starts a comment
#pragma once

#include <cstddef>
#include <cstring> // for memchr
#include <string_view>

namespace rebalance {

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct Value {
  std::string_view text; // without quotes
  bool open_quote = false;
};

// Walks over the values of a line.
class Values {
public:
  explicit Values(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

  bool next(Value &value) {
    while (at_ < end_ && is_space(*at_))
      ++at_;
    if (at_ == end_)
      return false;
    value = (*at_ == '"' || *at_ == '\'') ? quoted() : plain();
    return true;
  }

  // Behind the value read last.
  const char *at() const { return at_; }

private:
  Value plain() {
    const char *begin = at_;
    while (at_ < end_ && !is_space(*at_))
      ++at_;
    return {{begin, static_cast<std::size_t>(at_ - begin)}};
  }

  Value quoted() {
    const char *begin = at_ + 1;
    for (const char *c = begin; c < end_; ++c) {
      if (*c == *at_ && (c + 1 == end_ || is_space(c[1]))) {
        at_ = c + 1;
        return {{begin, static_cast<std::size_t>(c - begin)}};
      }
    }
    Value value = plain();
    value.open_quote = true;
    return value;
  }

  const char *at_, *end_;
};

inline bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// The first line of `text`, with its line ending.
inline std::string_view first_line(std::string_view text) {
  const void *newline = std::memchr(text.data(), '\n', text.size());
  if (newline == nullptr)
    return text;
  return text.substr(0, static_cast<std::size_t>(static_cast<const char *>(newline) - text.data()) +
                            1);
}

inline std::string_view without_ending(std::string_view line) {
  if (!line.empty() && line.back() == '\n')
    line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  return line;
}

inline bool is_row(std::string_view line) {
  for (char c : line)
    if (!is_space(c))
      return c != '#';
  return false;
}

} // namespace rebalance
