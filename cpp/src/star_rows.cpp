#include "rebalance/star_rows.hpp"

#include <algorithm> // for min
#include <cmath>     // for floor
#include <cstdlib>   // for strtod
#include <cstring>   // for memchr, memcpy
#include <limits>

#include "rebalance/identity.hpp"
#include "rebalance/star_values.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rebalance {

// What is known of a line once its end is reached.
struct LineScan {
  int n_values = 0;
  bool odd_start = false; // a value may begin with a quote: read the line value by value
  bool nul = false;       // a zero byte stands in or near it
  const char *of_class = nullptr, *of_name = nullptr; // where these values begin
  const char *name_end = nullptr;
};

namespace {

// Whether a line opens the next block or loop. A row may begin with a value like data_1.mrc.
bool ends_table(std::string_view line, int n_columns) {
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

// Bit i: byte i of a block of 64.
struct BlockMasks {
  std::uint64_t space = 0, newline = 0;
  std::uint64_t odd = 0; // quotes, '#' and '&'
  bool nul = false;
};

BlockMasks classify(const char *block) {
  BlockMasks masks;
#if defined(__SSE2__)
  __m128i least = _mm_set1_epi8(-1);
  for (int part = 0; part < 4; ++part) {
    const __m128i c =
        _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + std::ptrdiff_t{16} * part));
    const __m128i control = _mm_sub_epi8(c, _mm_set1_epi8('\t')); // 0 to 4: tab to carriage return
    const __m128i space =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8(' ')),
                     _mm_cmpeq_epi8(_mm_min_epu8(control, _mm_set1_epi8(4)), control));
    const __m128i newline = _mm_cmpeq_epi8(c, _mm_set1_epi8('\n'));
    const __m128i odd =
        _mm_cmpeq_epi8(_mm_and_si128(c, _mm_set1_epi8(~5)), _mm_set1_epi8('"' & ~5));
    least = _mm_min_epu8(least, c);
    masks.space |= static_cast<std::uint64_t>(_mm_movemask_epi8(space)) << (16 * part);
    masks.newline |= static_cast<std::uint64_t>(_mm_movemask_epi8(newline)) << (16 * part);
    masks.odd |= static_cast<std::uint64_t>(_mm_movemask_epi8(odd)) << (16 * part);
  }
  masks.nul = _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
#else
  for (int i = 0; i < 64; ++i) {
    masks.space |= static_cast<std::uint64_t>(is_space(block[i])) << i;
    masks.newline |= static_cast<std::uint64_t>(block[i] == '\n') << i;
    masks.odd |= static_cast<std::uint64_t>((block[i] & ~5) == ('"' & ~5)) << i;
    masks.nul = masks.nul || block[i] == '\0';
  }
#endif
  return masks;
}

// The processor's own instruction for this is not on every x86-64.
int n_bits(std::uint64_t x) {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  return static_cast<int>(((x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu) * 0x0101010101010101u >> 56);
}

// Goes through a buffer 64 bytes at a time and stops at the end of every line.
class BlockReader {
public:
  BlockReader(std::string_view text, int class_column, int name_column)
      : text_(text), class_column_(class_column), name_column_(name_column) {}

  // Reads on to the end of the line that begins at `begin`; false behind the last line.
  bool next_line(std::size_t begin, LineScan &scan, std::size_t &end) {
    scan = LineScan{};
    if (begin >= text_.size())
      return false;
    while (true) {
      if (at_ == block_end_ && !load())
        break;
      scan.nul = scan.nul || masks_.nul;
      const std::uint64_t newline = masks_.newline & left_;
      if (newline != 0) {
        const std::uint64_t through = newline ^ (newline - 1); // up to and with the lowest bit
        count(scan, through & left_);
        left_ &= ~through;
        end = block_ + static_cast<std::size_t>(__builtin_ctzll(newline)) + 1;
        at_ = left_ == 0 ? block_end_ : end;
        return true;
      }
      count(scan, left_);
      at_ = block_end_;
    }
    end = text_.size();
    return true;
  }

private:
  bool load() {
    if (block_end_ >= text_.size())
      return false;
    block_ = at_ = block_end_;
    const std::size_t size = std::min<std::size_t>(64, text_.size() - block_);
    block_end_ = block_ + size;
    if (size == 64) {
      masks_ = classify(text_.data() + block_);
      left_ = ~std::uint64_t{0};
    } else {
      char copy[64];
      std::memset(copy, ' ', sizeof copy);
      std::memcpy(copy, text_.data() + block_, size);
      masks_ = classify(copy);
      left_ = (std::uint64_t{1} << size) - 1;
    }
    const std::uint64_t shifted = masks_.space << 1 | space_before_;
    starts_ = ~masks_.space & shifted;
    ends_ = masks_.space & ~shifted;
    space_before_ = masks_.space >> 63;
    return true;
  }

  // Takes in the values that begin and end at the bits of `part`, the lowest not yet taken.
  void count(LineScan &scan, std::uint64_t part) const {
    const std::uint64_t starts = starts_ & part, ends = ends_ & part;
    scan.odd_start = scan.odd_start || (starts & masks_.odd) != 0;
    const int n_starts = n_bits(starts), last = scan.n_values + n_starts;
    if (scan.n_values <= class_column_ && class_column_ < last)
      scan.of_class = place(starts, class_column_ - scan.n_values);
    if (scan.n_values <= name_column_ && name_column_ < last)
      scan.of_name = place(starts, name_column_ - scan.n_values);
    if (scan.of_name != nullptr && scan.name_end == nullptr)
      find_name_end(scan, ends);
    scan.n_values = last;
  }

  // The first end behind the begin of the name.
  void find_name_end(LineScan &scan, std::uint64_t ends) const {
    const char *block = text_.data() + block_;
    if (scan.of_name >= block)
      ends &= ~std::uint64_t{0} << (scan.of_name - block);
    if (ends != 0)
      scan.name_end = place(ends, 0);
  }

  // The place of a bit, counted from the lowest.
  const char *place(std::uint64_t bits, int number) const {
    for (; number > 0; --number)
      bits &= bits - 1;
    return text_.data() + block_ + __builtin_ctzll(bits);
  }

  std::string_view text_;
  int class_column_, name_column_;
  std::size_t block_ = 0, block_end_ = 0, at_ = 0;         // the block loaded, and the byte reached
  std::uint64_t left_ = 0;                                 // bytes of the block not yet read
  std::uint64_t starts_ = 0, ends_ = 0, space_before_ = 1; // of values
  BlockMasks masks_;
};

std::string_view between(const char *start, const char *end) {
  return {start, static_cast<std::size_t>(end - start)};
}

std::string_view value_at(const char *start, const char *line_end) {
  const char *end = start;
  while (end < line_end && !is_space(*end))
    ++end;
  return between(start, end);
}

} // namespace

RowScan::RowScan(int n_columns, int class_column, int name_column)
    : n_columns_(n_columns), class_column_(class_column), name_column_(name_column) {}

std::size_t RowScan::read(std::string_view text) {
  class_number_.clear();
  identified_by_.clear();
  BlockReader reader(text, class_column_, name_column_);
  LineScan scan;
  std::size_t used = 0, end = 0;
  while (!ended_ && fault_ == RowFault::none && reader.next_line(used, scan, end)) {
    if (!take_line(scan, text.substr(used, end - used)))
      break;
    used = end;
    ++lines_;
  }
  identity_.resize(identified_by_.size());
  identities_of(identified_by_.data(), identified_by_.size(), identity_.data());
  return used;
}

// The common row is settled by the blocks; all others value by value.
bool RowScan::take_line(const LineScan &scan, std::string_view line) {
  if (scan.n_values == 0)
    return true;
  const char *first = line.data();
  while (is_space(*first))
    ++first;
  if (*first == '#')
    return true;
  ended_ = (*first == 'd' || *first == 'l') && ends_table(line, n_columns_);
  if (ended_)
    return false;
  line = without_ending(line);
  const char *end = line.data() + line.size();
  if (scan.nul && std::memchr(line.data(), '\0', line.size()) != nullptr)
    return refuse(RowFault::nul_byte, -1, "");
  if (scan.odd_start || scan.n_values != n_columns_)
    return read_values(line);
  std::string_view class_value, name;
  if (scan.of_class != nullptr)
    class_value = value_at(scan.of_class, end);
  if (scan.of_name != nullptr)
    name = between(scan.of_name, scan.name_end == nullptr ? end : scan.name_end);
  return keep_row(line, class_value, name);
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
  identified_by_.push_back(name_column_ >= 0 ? name : line);
  return true;
}

bool RowScan::refuse(RowFault fault, int column, std::string_view value) {
  fault_ = fault;
  fault_column_ = column;
  fault_value_ = value;
  return false;
}

} // namespace rebalance
