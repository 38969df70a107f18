// The row scan against a plain reading of the same text, whole and in pieces; rows parted among
// files come together again.
#include <algorithm> // for min
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "rebalance/identity.hpp"
#include "rebalance/repeats.hpp"
#include "rebalance/star_rows.hpp"
#include "rebalance/star_split.hpp"
#include "rebalance/star_values.hpp"

using namespace rebalance;

namespace {

constexpr int kColumns = 3, kClass = 0, kName = 1;
using Random = std::mt19937;

std::size_t below(Random &random, std::size_t n) {
  return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
}

// Words of tables, so that good rows, odd rows and damaged rows all occur.
std::string table(Random &random, std::size_t n_lines, bool damaged) {
  static const std::vector<std::string> lines{"1 a 5\n",
                                              "  22 b.mrcs\t'x y' \r\n",
                                              "\n",
                                              "# version 30001\n",
                                              "3.0 c #\n",
                                              "4 \"d e\" 6 # end\n",
                                              " \t\x0b\x0c\r\n",
                                              "5 data_x loop_\n",
                                              "6 a&b 7#8\n",
                                              "0 " + std::string(150, 'n') + " 1e5\n"};
  static const std::vector<std::string> words{
      "'", "\"", "\n", " ", "#", "data_x\n", "x", "-1", std::string(1, '\0'), "loop_\n"};
  std::string text;
  for (std::size_t line = 0; line < n_lines; ++line)
    text += lines[below(random, lines.size())];
  for (std::size_t edit = below(random, 3); damaged && edit > 0; --edit)
    text.insert(below(random, text.size() + 1), words[below(random, words.size())]);
  if (!text.empty() && below(random, 4) == 0)
    text.pop_back();
  return text;
}

struct Plain {
  std::vector<std::int32_t> classes;
  std::vector<std::uint64_t> identities;
};

// For tables without damage: value by value.
Plain read_plainly(std::string_view text) {
  Plain read;
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    text.remove_prefix(line.size());
    if (!is_row(line))
      continue;
    Values values(without_ending(line));
    Value of_class, name;
    values.next(of_class);
    values.next(name);
    read.classes.push_back(static_cast<std::int32_t>(std::stod(std::string(of_class.text))));
    read.identities.push_back(identity_of(name.text));
  }
  return read;
}

void good_tables_are_read_as_plainly(Random &random) {
  const std::string text = table(random, below(random, 40), false);
  RowScan scan(kColumns, kClass, kName);
  CHECK(scan.read(text) == text.size());
  const Plain plain = read_plainly(text);
  CHECK(scan.fault() == RowFault::none);
  CHECK(scan.class_number() == plain.classes);
  CHECK(scan.identity() == plain.identities);
}

// The result does not depend on where a buffer ends.
void pieces_are_read_as_the_whole(Random &random) {
  const std::string text = table(random, below(random, 40), true);
  RowScan whole(kColumns, kClass, kName), pieces(kColumns, kClass, kName);
  const std::size_t used = whole.read(text);
  std::vector<std::int32_t> classes;
  std::size_t at = 0;
  while (at < text.size() && !pieces.ended() && pieces.fault() == RowFault::none) {
    std::size_t end = std::min(text.size(), at + 1 + below(random, 200));
    end = std::min(text.find('\n', end - 1), text.size() - 1) + 1;
    const std::vector<char> alone(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(end));
    at += pieces.read({alone.data(), alone.size()}); // nothing readable behind the piece
    classes.insert(classes.end(), pieces.class_number().begin(), pieces.class_number().end());
  }
  CHECK(at == used);
  CHECK(classes == whole.class_number());
  CHECK(pieces.fault() == whole.fault());
  CHECK(pieces.fault_column() == whole.fault_column());
  CHECK(pieces.n_lines() == whole.n_lines());
}

void parted_rows_come_together_again(Random &random) {
  const std::string text = table(random, below(random, 40), false);
  const std::size_t n_rows = read_plainly(text).classes.size(), n_files = 1 + below(random, 4);
  std::vector<std::uint8_t> file_of_row(n_rows);
  for (std::uint8_t &file : file_of_row)
    file = static_cast<std::uint8_t>(below(random, n_files + 1));
  RowSplit split(n_files);
  std::size_t row = 0;
  split.split(text, file_of_row.data(), n_rows, row);
  CHECK(row == n_rows);
  for (std::size_t file = 0; file < n_files; ++file) {
    std::string expected;
    std::size_t next = 0;
    for (std::string_view left = text; !left.empty();) {
      const std::string_view line = first_line(left);
      left.remove_prefix(line.size());
      if (!is_row(line) || file_of_row[next++] == file + 1)
        expected.append(line);
    }
    CHECK(split.text(file) == expected);
  }
  row = 1;
  if (n_rows > 0)
    CHECK_THROWS(std::out_of_range, split.split(text, file_of_row.data(), n_rows, row));
}

void repeats_are_counted(Random &random) {
  std::vector<std::uint64_t> identity(below(random, 300));
  for (std::uint64_t &one : identity)
    one = mixed(below(random, 200));
  const Repeats found = find_repeats(identity.data(), identity.size());
  std::size_t n_later = 0;
  for (std::size_t i = 0; i < identity.size(); ++i) {
    std::size_t before = 0, all = 0;
    for (std::size_t j = 0; j < identity.size(); ++j)
      if (identity[j] == identity[i]) {
        ++all;
        before += j < i;
      }
    n_later += before > 0;
    CHECK((!found.row.empty() && found.row[i] != 0) == (all > 1));
  }
  CHECK(found.n_later == n_later);
}

} // namespace

int main() {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    good_tables_are_read_as_plainly(random);
    pieces_are_read_as_the_whole(random);
    parted_rows_come_together_again(random);
    if (round % 20 == 0)
      repeats_are_counted(random);
  }
  return check::result();
}
