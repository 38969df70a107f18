#include "rebalance/star_rows.hpp"

#include <algorithm> // for min
#include <cmath>     // for floor
#include <cstdlib>   // for strtod
#include <cstring>   // for memchr, memmove
#include <limits>
#include <stdexcept>

#include "rebalance/identity.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rebalance {
namespace {

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

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// The first line of `text`, with its line ending.
std::string_view first_line(std::string_view text) {
  const void *newline = std::memchr(text.data(), '\n', text.size());
  if (newline == nullptr)
    return text;
  return text.substr(0, static_cast<std::size_t>(static_cast<const char *>(newline) - text.data()) +
                            1);
}

std::string_view without_ending(std::string_view line) {
  if (!line.empty() && line.back() == '\n')
    line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  return line;
}

bool is_row(std::string_view line) {
  for (char c : line)
    if (!is_space(c))
      return c != '#';
  return false;
}

// Whether a line opens the next block or loop. A row may begin with a value like data_1.mrc.
bool ends_table(std::string_view line, int n_columns) {
  const std::size_t begin = line.find_first_not_of(" \t\r\v\f");
  if (line[begin] != 'd' && line[begin] != 'l')
    return false;
  Values values(line);
  Value value;
  if (!values.next(value) || !(starts_with(value.text, "data_") || value.text == "loop_"))
    return false;
  if (!values.next(value))
    return true;
  if (!starts_with(value.text, "#"))
    return false;
  int n_values = 2;
  while (values.next(value))
    ++n_values;
  return n_values != n_columns;
}

// A whole number from 0 up, also written 3.000000 or 3e0; -1 when it is none.
std::int32_t as_class_number(std::string_view text) {
  constexpr std::size_t longest = 32;
  std::int64_t number = 0;
  bool digits = !text.empty() && text.size() <= 9;
  for (std::size_t i = 0; digits && i < text.size(); ++i) {
    digits = text[i] >= '0' && text[i] <= '9';
    number = 10 * number + (text[i] - '0');
  }
  if (digits)
    return static_cast<std::int32_t>(number);
  if (text.empty() || text.size() > longest ||
      text.find_first_not_of("0123456789.eE+-") != std::string_view::npos)
    return -1;
  char copy[longest + 1] = {};
  text.copy(copy, longest);
  char *end = nullptr;
  const double value = std::strtod(copy, &end);
  const bool whole = *end == '\0' && value >= 0 && value == std::floor(value) &&
                     value <= std::numeric_limits<std::int32_t>::max();
  return whole ? static_cast<std::int32_t>(value) : -1;
}

struct BlockMasks {
  std::uint64_t space, quote; // bit i: byte i
};

BlockMasks classify(const char *block) {
  BlockMasks masks{0, 0};
#if defined(__SSE2__)
  for (int part = 0; part < 4; ++part) {
    const __m128i c =
        _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + std::ptrdiff_t{16} * part));
    const __m128i control = _mm_sub_epi8(c, _mm_set1_epi8('\t')); // 0 to 4: tab to carriage return
    const __m128i space =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8(' ')),
                     _mm_cmpeq_epi8(_mm_min_epu8(control, _mm_set1_epi8(4)), control));
    const __m128i quote =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('"')), _mm_cmpeq_epi8(c, _mm_set1_epi8('\'')));
    masks.space |= static_cast<std::uint64_t>(_mm_movemask_epi8(space)) << (16 * part);
    masks.quote |= static_cast<std::uint64_t>(_mm_movemask_epi8(quote)) << (16 * part);
  }
#else
  for (int i = 0; i < 64; ++i) {
    masks.space |= static_cast<std::uint64_t>(is_space(block[i])) << i;
    masks.quote |= static_cast<std::uint64_t>(block[i] == '"' || block[i] == '\'') << i;
  }
#endif
  return masks;
}

// Where the values of a line without quotes begin, 64 bytes at a time.
struct ValueStarts {
  int n_values = 0;
  bool quotes = false; // a value begins with a quote: read the line value by value
  const char *of_class = nullptr, *of_name = nullptr;

  void find(std::string_view line, const char *readable_end, int class_column, int name_column) {
    std::uint64_t space_before = 1;
    for (std::size_t at = 0; at < line.size(); at += 64) {
      const BlockMasks masks = masks_at(line, at, readable_end);
      const std::uint64_t starts = ~masks.space & (masks.space << 1 | space_before);
      space_before = masks.space >> 63;
      quotes = quotes || (starts & masks.quote) != 0;
      const int n_here = __builtin_popcountll(starts);
      pick(line.data() + at, starts, n_here, class_column, of_class);
      pick(line.data() + at, starts, n_here, name_column, of_name);
      n_values += n_here;
    }
  }

private:
  static BlockMasks masks_at(std::string_view line, std::size_t at, const char *readable_end) {
    const std::size_t left = line.size() - at;
    const char *block = line.data() + at;
    char copy[64] = {};
    if (readable_end - block < 64) {
      std::memcpy(copy, block, std::min<std::size_t>(left, 64));
      block = copy;
    }
    BlockMasks masks = classify(block);
    if (left < 64)
      masks.space |= ~std::uint64_t{0} << left;
    return masks;
  }

  void pick(const char *block, std::uint64_t starts, int n_here, int column,
            const char *&start) const {
    if (column < n_values || column >= n_values + n_here)
      return;
    for (int skip = column - n_values; skip > 0; --skip)
      starts &= starts - 1;
    start = block + __builtin_ctzll(starts);
  }
};

std::string_view value_at(const char *start, const char *end) {
  if (start == nullptr)
    return {};
  const char *stop = start;
  while (stop < end && !is_space(*stop))
    ++stop;
  return {start, static_cast<std::size_t>(stop - start)};
}

} // namespace

RowScan::RowScan(int n_columns, int class_column, int name_column)
    : n_columns_(n_columns), class_column_(class_column), name_column_(name_column) {}

std::size_t RowScan::read(std::string_view text) {
  class_number_.clear();
  identity_.clear();
  const char *readable_end = text.data() + text.size();
  std::size_t used = 0;
  while (used < text.size() && !ended_ && fault_ == RowFault::none) {
    const std::string_view line = first_line(text.substr(used));
    if (is_row(line)) {
      ended_ = ends_table(line, n_columns_);
      if (ended_ || !read_row(without_ending(line), readable_end))
        break;
    }
    used += line.size();
    ++lines_;
  }
  return used;
}

// The common row is settled 64 bytes at a time; all others value by value.
bool RowScan::read_row(std::string_view line, const char *readable_end) {
  if (const void *nul = std::memchr(line.data(), '\0', line.size()); nul != nullptr)
    return refuse(RowFault::nul_byte, -1, "");
  ValueStarts starts;
  starts.find(line, readable_end, class_column_, name_column_);
  if (starts.quotes || starts.n_values != n_columns_)
    return read_values(line);
  const char *end = line.data() + line.size();
  return keep_row(line, value_at(starts.of_class, end), value_at(starts.of_name, end));
}

bool RowScan::read_values(std::string_view line) {
  Values values(line);
  Value value;
  std::string_view class_value, name;
  for (int column = 0; column < n_columns_; ++column) {
    if (!values.next(value))
      return refuse(RowFault::short_row, column, "");
    if (value.open_quote)
      return refuse(RowFault::open_quote, column, value.text);
    if (column == class_column_)
      class_value = value.text;
    if (column == name_column_)
      name = value.text;
  }
  if (values.next(value) && !starts_with(value.text, "#"))
    return refuse(RowFault::long_row, n_columns_ - 1, value.text);
  return keep_row(line, class_value, name);
}

bool RowScan::keep_row(std::string_view line, std::string_view class_value, std::string_view name) {
  if (class_column_ >= 0) {
    const std::int32_t number = as_class_number(class_value);
    if (number < 0)
      return refuse(RowFault::bad_class, class_column_, class_value);
    class_number_.push_back(number);
  }
  identity_.push_back(identity_of(name_column_ >= 0 ? name : line));
  return true;
}

bool RowScan::refuse(RowFault fault, int column, std::string_view value) {
  fault_ = fault;
  fault_column_ = column;
  fault_value_ = value;
  return false;
}

std::size_t keep_rows(char *text, std::size_t size, const bool *mask, std::size_t mask_size,
                      std::size_t &row) {
  std::size_t kept = 0, run_begin = 0, at = 0;
  const auto close_run = [&](std::size_t run_end) {
    if (run_begin != kept)
      std::memmove(text + kept, text + run_begin, run_end - run_begin);
    kept += run_end - run_begin;
  };
  while (at < size) {
    const std::string_view line = first_line({text + at, size - at});
    const std::size_t next = at + line.size();
    if (is_row(line)) {
      if (row >= mask_size)
        throw std::out_of_range("more rows than the mask has entries");
      if (!mask[row++]) {
        close_run(at);
        run_begin = next;
      }
    }
    at = next;
  }
  close_run(size);
  return kept;
}

std::string column_text(std::string_view text, int column) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    text.remove_prefix(line.size());
    if (!is_row(line))
      continue;
    Values values(without_ending(line));
    Value value;
    for (int i = 0; i <= column; ++i)
      values.next(value);
    result.append(value.text).push_back('\n');
  }
  return result;
}

namespace {

// The identities of one part of the rows, with a mark on those met more than once. Open
// addressing; slots are found by the low bits, parts by the high ones.
class SeenSet {
public:
  explicit SeenSet(std::size_t n_identities) {
    std::size_t size = 16;
    while (size < 2 * n_identities)
      size *= 2;
    slots_.resize(size);
    state_.resize(size);
  }

  // Whether the identity was there before.
  bool add(std::uint64_t identity) {
    const std::size_t slot = find(identity);
    slots_[slot] = identity;
    const bool seen = state_[slot] != 0;
    state_[slot] = seen ? 2 : 1;
    return seen;
  }

  bool repeated(std::uint64_t identity) const { return state_[find(identity)] == 2; }

private:
  std::size_t find(std::uint64_t identity) const {
    std::size_t slot = identity & (slots_.size() - 1);
    while (state_[slot] != 0 && slots_[slot] != identity)
      slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::uint64_t> slots_;
  std::vector<std::uint8_t> state_; // 0 free, 1 met once, 2 met again
};

} // namespace

// In parts, so that the set takes a small share of the memory of the identities themselves.
Repeats find_repeats(const std::uint64_t *identity, std::size_t size) {
  constexpr int n_parts = 64, part_shift = 58;
  Repeats repeats;
  repeats.row.assign(size, 0);
  std::size_t part_size[n_parts] = {};
  for (std::size_t i = 0; i < size; ++i)
    ++part_size[identity[i] >> part_shift];
  for (std::uint64_t part = 0; part < n_parts; ++part) {
    SeenSet seen(part_size[part]);
    std::size_t n_later = 0;
    for (std::size_t i = 0; i < size; ++i)
      if (identity[i] >> part_shift == part)
        n_later += seen.add(identity[i]);
    for (std::size_t i = 0; i < size && n_later > 0; ++i)
      if (identity[i] >> part_shift == part)
        repeats.row[i] = seen.repeated(identity[i]);
    repeats.n_later += n_later;
  }
  return repeats;
}

} // namespace rebalance
