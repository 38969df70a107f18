#include "rebalance/even.hpp"

#include <algorithm> // for sort, nth_element, min, max, clamp, fill
#include <limits>
#include <stdexcept> // for invalid_argument
#include <tuple>     // for tie
#include <utility>   // for pair

namespace rebalance {

namespace {

constexpr int kMostRounds = 3;
constexpr std::int64_t kMostAtOnce = 2'000'000; // members held at once, if superclasses allow

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// A particle of a superclass that loses some.
struct Member {
  std::uint64_t key;
  std::uint32_t row, average, micrograph, part;
};

/// Members of one average and half set, which lie side by side, by micrograph and then by key.
struct Cell {
  std::size_t average = 0, part = 0; // average: dense within the superclass
  std::int64_t size = 0, stay = 0;
  std::uint64_t least_key = std::numeric_limits<std::uint64_t>::max();
  std::size_t first_member = 0;
  std::size_t first_run = 0, last_run = 0;
};

/// Members of one cell and one micrograph, which lie side by side.
struct Run {
  std::uint32_t micrograph;
  std::int32_t size, stay;
  std::uint64_t tie; // of its first member
};

/// What fits below `level`, at most the room.
std::int64_t fits(const Vessel &vessel, std::int64_t level) {
  return std::clamp<std::int64_t>(level - vessel.height, 0, vessel.room);
}

std::int64_t fit(const std::vector<Vessel> &vessels, std::int64_t level) {
  std::int64_t sum = 0;
  for (const Vessel &vessel : vessels)
    sum += fits(vessel, level);
  return sum;
}

/// The highest level below which no more than `total` fit.
std::int64_t find_level(const std::vector<Vessel> &vessels, std::int64_t total) {
  std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = 0;
  for (const Vessel &vessel : vessels) {
    low = std::min(low, vessel.height);
    high = std::max(high, vessel.height + vessel.room);
  }
  while (low < high) {
    const std::int64_t level = low + (high - low + 1) / 2;
    if (fit(vessels, level) <= total)
      low = level;
    else
      high = level - 1;
  }
  return low;
}

/// Shares the members that stay out over the averages of a superclass.
class AverageSpread {
public:
  /// Each part in turn is shared out as evenly as it can be given the others, until nothing
  /// changes.
  void share(std::vector<Cell> &cells, std::size_t n_averages, const std::int64_t *quota,
             std::size_t n_parts) {
    height_.assign(n_averages, 0);
    bool changed = true;
    for (int round = 0; changed && round < kMostRounds; ++round) {
      changed = false;
      for (std::size_t part = 0; part < n_parts; ++part)
        changed |= share_part(cells, part, quota[part]);
    }
  }

private:
  bool share_part(std::vector<Cell> &cells, std::size_t part, std::int64_t quota) {
    vessels_.clear();
    for (const Cell &cell : cells)
      if (cell.part == part)
        vessels_.push_back({height_[cell.average] - cell.stay, cell.size, cell.least_key});
    fill_evenly(vessels_, quota);
    bool changed = false;
    auto vessel = vessels_.begin();
    for (Cell &cell : cells)
      if (cell.part == part) {
        changed |= cell.stay != vessel->taken;
        height_[cell.average] += vessel->taken - cell.stay;
        cell.stay = (vessel++)->taken;
      }
    return changed;
  }

  std::vector<std::int64_t> height_; // members that stay, per average
  std::vector<Vessel> vessels_;
};

/// Shares the members that stay of every cell out over micrographs.
class MicrographSpread {
public:
  explicit MicrographSpread(std::int64_t n_micrographs) : height_(at(n_micrographs), 0) {}

  /// Each cell in turn is shared out as evenly as it can be given the others, until nothing
  /// changes. Cells that lose the smallest share come first, so that those with more choice make
  /// up for them.
  void share(std::vector<Cell> &cells, std::vector<Run> &runs) {
    order(cells);
    bool changed = true;
    for (int round = 0; changed && round < kMostRounds; ++round) {
      changed = false;
      for (const Cell &cell : cells)
        if (round == 0 || (cell.stay > 0 && cell.stay < cell.size))
          changed |= share_cell(cell, runs);
    }
    for (const Run &run : runs)
      height_[run.micrograph] = 0;
  }

private:
  static void order(std::vector<Cell> &cells) {
    std::sort(cells.begin(), cells.end(), [](const Cell &a, const Cell &b) {
      const std::int64_t a_share = a.stay * b.size, b_share = b.stay * a.size;
      return std::tie(b_share, a.least_key, a.part) < std::tie(a_share, b.least_key, b.part);
    });
  }

  bool share_cell(const Cell &cell, std::vector<Run> &runs) {
    vessels_.resize(cell.last_run - cell.first_run);
    for (std::size_t r = cell.first_run; r < cell.last_run; ++r) {
      Vessel &vessel = vessels_[r - cell.first_run]; // field by field: the hot loop of the draw
      vessel.height = height_[runs[r].micrograph] - runs[r].stay;
      vessel.room = runs[r].size;
      vessel.tie = runs[r].tie;
    }
    fill_evenly(vessels_, cell.stay);
    bool changed = false;
    for (std::size_t r = cell.first_run; r < cell.last_run; ++r) {
      const auto taken = static_cast<std::int32_t>(vessels_[r - cell.first_run].taken);
      changed |= taken != runs[r].stay;
      height_[runs[r].micrograph] += taken - runs[r].stay;
      runs[r].stay = taken;
    }
    return changed;
  }

  std::vector<std::int32_t> height_; // members that stay, per micrograph
  std::vector<Vessel> vessels_;
};

/// Draws one superclass after another; holds what they share, so that nothing is made anew.
class EvenDraw {
public:
  EvenDraw(std::int64_t n_averages, std::int64_t n_micrographs, std::size_t n_parts)
      : n_parts_(n_parts), dense_(at(n_averages), kNone), micrographs_(n_micrographs) {}

  /// Marks the members that stay: quota[p] of part p.
  void draw(const Member *first, const Member *last, const std::int64_t *quota, bool *keep) {
    find_cells(first, last);
    place_members(first, last);
    find_runs();
    averages_.share(cells_, n_averages_, quota, n_parts_);
    micrographs_.share(cells_, runs_);
    for (const Cell &cell : cells_) {
      const Member *member = members_.data() + cell.first_member;
      for (std::size_t r = cell.first_run; r < cell.last_run; ++r)
        for (std::int32_t i = 0; i < runs_[r].size; ++i)
          keep[(member++)->row] = i < runs_[r].stay;
    }
  }

private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  Cell &cell_of(const Member &member) {
    return cells_[dense_[member.average] * n_parts_ + member.part];
  }

  /// Makes all cells of the averages that occur, and counts their members.
  void find_cells(const Member *first, const Member *last) {
    cells_.clear();
    n_averages_ = 0;
    for (const Member *member = first; member != last; ++member) {
      std::uint32_t &dense = dense_[member->average];
      if (dense == kNone) {
        dense = static_cast<std::uint32_t>(n_averages_++);
        cells_.resize(n_averages_ * n_parts_);
      }
      Cell &cell = cell_of(*member);
      ++cell.size;
      cell.least_key = std::min(cell.least_key, member->key);
    }
    std::size_t next = 0;
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      cells_[c].average = c / n_parts_;
      cells_[c].part = c % n_parts_;
      cells_[c].first_member = next;
      next += at(cells_[c].size);
    }
  }

  /// Lays the members of each cell side by side, by micrograph and then by key.
  void place_members(const Member *first, const Member *last) {
    members_.resize(static_cast<std::size_t>(last - first));
    for (Cell &cell : cells_)
      cell.size = 0;
    for (const Member *member = first; member != last; ++member) {
      Cell &cell = cell_of(*member);
      members_[cell.first_member + at(cell.size++)] = *member;
    }
    for (const Member *member = first; member != last; ++member)
      dense_[member->average] = kNone;
    for (const Cell &cell : cells_) {
      const auto start = members_.begin() + static_cast<std::ptrdiff_t>(cell.first_member);
      std::sort(start, start + cell.size, [](const Member &a, const Member &b) {
        return std::tie(a.micrograph, a.key, a.row) < std::tie(b.micrograph, b.key, b.row);
      });
    }
  }

  void find_runs() {
    runs_.clear();
    for (Cell &cell : cells_) {
      cell.first_run = runs_.size();
      for (std::size_t i = cell.first_member; i < cell.first_member + at(cell.size); ++i) {
        const Member &own = members_[i];
        if (runs_.size() == cell.first_run || runs_.back().micrograph != own.micrograph)
          runs_.push_back({own.micrograph, 0, 0, own.key});
        ++runs_.back().size;
      }
      cell.last_run = runs_.size();
    }
  }

  std::size_t n_parts_, n_averages_ = 0;
  std::vector<std::uint32_t> dense_; // number of an average within the superclass
  std::vector<Cell> cells_;
  std::vector<Member> members_;
  std::vector<Run> runs_;
  AverageSpread averages_;
  MicrographSpread micrographs_;
};

/// Some superclasses: [first, last), those that lose none among them, and where their members lie.
struct Batch {
  std::size_t first, last;
  std::vector<std::int64_t> start; // one more than superclasses
};

/// The superclasses from `first` on whose members are few enough to be held at once.
Batch next_batch(std::size_t first, const std::vector<std::int64_t> &size) {
  Batch batch{first, first, {0}};
  do {
    batch.start.push_back(batch.start.back() + size[batch.last++]);
  } while (batch.last < size.size() && batch.start.back() + size[batch.last] <= kMostAtOnce);
  return batch;
}

/// The members of a batch, superclass by superclass.
void gather(const Drawn &particles, const Sources &sources, int n_parts,
            const std::vector<std::int64_t> &size, const Batch &batch,
            std::vector<Member> &members) {
  members.resize(at(batch.start.back()));
  std::vector<std::int64_t> next(batch.start);
  for (std::int64_t i = 0; i < particles.n; ++i) {
    if (particles.group[i] < 0)
      continue;
    const std::size_t s = at(particles.group[i] / n_parts);
    if (s < batch.first || s >= batch.last || size[s] == 0)
      continue;
    members[at(next[s - batch.first]++)] = {
        particles.key(i), static_cast<std::uint32_t>(i),
        static_cast<std::uint32_t>(sources.average ? sources.average[i] : 0),
        static_cast<std::uint32_t>(sources.micrograph ? sources.micrograph[i] : 0),
        static_cast<std::uint32_t>(particles.group[i] % n_parts)};
  }
}

void check_sources(const Drawn &particles, const Sources &sources) {
  if (particles.n > std::numeric_limits<std::uint32_t>::max())
    throw std::invalid_argument("an even draw takes fewer than 2^32 particles");
  for (std::int64_t i = 0; i < particles.n; ++i)
    if ((sources.average && (sources.average[i] < 0 || sources.average[i] >= sources.n_averages)) ||
        (sources.micrograph &&
         (sources.micrograph[i] < 0 || sources.micrograph[i] >= sources.n_micrographs)))
      throw std::invalid_argument("an average or micrograph is out of range");
}

} // namespace

void fill_evenly(std::vector<Vessel> &vessels, std::int64_t total) {
  const std::int64_t level = vessels.empty() ? 0 : find_level(vessels, total);
  std::vector<std::pair<std::uint64_t, Vessel *>> higher; // those that can rise by one more
  for (Vessel &vessel : vessels) {
    vessel.taken = fits(vessel, level);
    total -= vessel.taken;
    if (fits(vessel, level + 1) > vessel.taken)
      higher.emplace_back(vessel.tie, &vessel);
  }
  const auto n = std::min(total, static_cast<std::int64_t>(higher.size()));
  if (n < static_cast<std::int64_t>(higher.size()))
    std::nth_element(higher.begin(), higher.begin() + n, higher.end());
  for (std::int64_t i = 0; i < n; ++i)
    ++higher[at(i)].second->taken;
}

void draw_evenly(const Drawn &particles, const Sources &sources, int n_parts,
                 const std::int64_t *cap, std::int64_t n_groups, bool *keep) {
  check_sources(particles, sources);
  auto quota = count_groups(particles.group, particles.n, n_groups);
  const auto parts = static_cast<std::size_t>(n_parts);
  std::vector<std::int64_t> size(quota.size() / parts, 0); // of superclasses that lose any
  for (std::size_t s = 0; s < size.size(); ++s) {
    bool loses = false;
    for (std::size_t g = s * parts; g < (s + 1) * parts; ++g) {
      size[s] += quota[g];
      loses |= cap[g] >= 0 && cap[g] < quota[g];
      quota[g] = cap[g] < 0 ? quota[g] : std::min(cap[g], quota[g]);
    }
    size[s] *= loses;
  }
  std::fill(keep, keep + particles.n, true);
  EvenDraw even(sources.n_averages, sources.n_micrographs, parts);
  std::vector<Member> members;
  for (std::size_t first = 0; first < size.size();) {
    const Batch batch = next_batch(first, size);
    gather(particles, sources, n_parts, size, batch, members);
    for (std::size_t s = batch.first; s < batch.last; ++s)
      if (size[s] > 0)
        even.draw(members.data() + batch.start[s - first],
                  members.data() + batch.start[s - first + 1], quota.data() + s * parts, keep);
    first = batch.last;
  }
}

} // namespace rebalance
