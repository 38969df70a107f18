// The rows of one STAR table, read from a buffer of whole lines. Opens no file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rebalance {

enum class RowFault { none, short_row, long_row, open_quote, bad_class, nul_byte };

struct LineScan;

// Reads the rows of one table, buffer after buffer, until the table ends or a row is at fault.
class RowScan {
public:
  // Columns count from 0; a negative column is absent. Without a name column the identity is that
  // of the whole row, without its line ending.
  RowScan(int n_columns, int class_column, int name_column);

  // Reads the rows in `text`, which holds whole lines, and returns the bytes that belong to the
  // table. The results of the call before are forgotten.
  std::size_t read(std::string_view text);

  const std::vector<std::int32_t> &class_number() const { return class_number_; }
  const std::vector<std::uint64_t> &identity() const { return identity_; }
  bool ended() const { return ended_; }           // the next block was reached
  std::int64_t n_lines() const { return lines_; } // lines of the table read so far

  // The first fault: in the line n_lines(), counted from 0.
  RowFault fault() const { return fault_; }
  int fault_column() const { return fault_column_; }
  const std::string &fault_value() const { return fault_value_; }

private:
  bool take_line(const LineScan &scan, std::string_view line);
  bool read_values(std::string_view line);
  bool keep_row(std::string_view line, std::string_view class_value, std::string_view name);
  bool refuse(RowFault fault, int column, std::string_view value);

  int n_columns_, class_column_, name_column_;
  std::vector<std::int32_t> class_number_;
  std::vector<std::string_view> identified_by_;
  std::vector<std::uint64_t> identity_;
  bool ended_ = false;
  std::int64_t lines_ = 0;
  RowFault fault_ = RowFault::none;
  int fault_column_ = -1;
  std::string fault_value_;
};

} // namespace rebalance
