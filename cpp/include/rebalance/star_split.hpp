// What is made of the rows of a STAR table that was read without fault: rows are parted, given one
// more value, or one column is taken out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rebalance {

// Parts the lines of a buffer among files. Lines that are no rows go to every file.
class RowSplit {
public:
  explicit RowSplit(std::size_t n_files) : place_(n_files + 1) {}

  // `file_of_row[row]` is 0 for no file and n for file n - 1. `row` is the number of the first row
  // in `text` and becomes that of the row after it. Throws std::out_of_range when there are more
  // rows than `n_rows`.
  void split(std::string_view text, const std::uint8_t *file_of_row, std::size_t n_rows,
             std::size_t &row);

  // The lines for one file, of the last buffer.
  std::string_view text(std::size_t file) const;

private:
  struct Line {
    std::string_view text;
    int file; // -1: every file
  };

  void find_lines(std::string_view text, const std::uint8_t *file_of_row, std::size_t n_rows,
                  std::size_t &row);
  void place_files();

  std::vector<Line> lines_;
  std::vector<std::size_t> place_; // where each file's lines begin in text_
  std::vector<char> text_;
};

// The lines of `text` with `value[row]` behind the last column of every row.
std::string with_values(std::string_view text, int n_columns, const std::int32_t *value,
                        std::size_t n_rows, std::size_t &row);

// The values of one column, without quotes, each followed by '\n'.
std::string column_text(std::string_view text, int column);

} // namespace rebalance
