#include "rebalance/star_split.hpp"

#include <algorithm> // for fill
#include <cstring>   // for memcpy
#include <stdexcept>

#include "rebalance/star_values.hpp"

namespace rebalance {
namespace {

constexpr int kEvery = -1;

// The number of a row, checked; counts on.
std::size_t take_row(std::size_t &row, std::size_t n_rows) {
  if (row >= n_rows)
    throw std::out_of_range("more rows than the table had when it was read");
  return row++;
}

} // namespace

void RowSplit::split(std::string_view text, const std::uint8_t *file_of_row, std::size_t n_rows,
                     std::size_t &row) {
  find_lines(text, file_of_row, n_rows, row);
  place_files();
  std::vector<std::size_t> at = place_;
  const auto copy = [&](std::size_t file, std::string_view line) {
    std::memcpy(text_.data() + at[file], line.data(), line.size());
    at[file] += line.size();
  };
  for (const Line &line : lines_) {
    if (line.file != kEvery)
      copy(static_cast<std::size_t>(line.file), line.text);
    for (std::size_t file = 0; line.file == kEvery && file + 1 < place_.size(); ++file)
      copy(file, line.text);
  }
}

std::string_view RowSplit::text(std::size_t file) const {
  return {text_.data() + place_[file], place_[file + 1] - place_[file]};
}

void RowSplit::find_lines(std::string_view text, const std::uint8_t *file_of_row,
                          std::size_t n_rows, std::size_t &row) {
  lines_.clear();
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    text.remove_prefix(line.size());
    if (!is_row(line)) {
      lines_.push_back({line, kEvery});
      continue;
    }
    const std::size_t file = file_of_row[take_row(row, n_rows)];
    if (file >= place_.size())
      throw std::out_of_range("a row goes to a file that is not there");
    if (file > 0)
      lines_.push_back({line, static_cast<int>(file) - 1});
  }
}

void RowSplit::place_files() {
  std::fill(place_.begin(), place_.end(), 0);
  std::size_t for_every = 0;
  for (const Line &line : lines_)
    (line.file == kEvery ? for_every : place_[static_cast<std::size_t>(line.file) + 1]) +=
        line.text.size();
  for (std::size_t file = 1; file < place_.size(); ++file)
    place_[file] += place_[file - 1] + for_every;
  text_.resize(place_.back());
}

std::string with_values(std::string_view text, int n_columns, const std::int32_t *value,
                        std::size_t n_rows, std::size_t &row) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    text.remove_prefix(line.size());
    if (!is_row(line)) {
      result.append(line);
      continue;
    }
    Values values(line);
    Value last;
    for (int column = 0; column < n_columns; ++column)
      values.next(last);
    const auto end = static_cast<std::size_t>(values.at() - line.data());
    result.append(line.substr(0, end)).push_back(' ');
    result.append(std::to_string(value[take_row(row, n_rows)])).append(line.substr(end));
  }
  return result;
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

} // namespace rebalance
