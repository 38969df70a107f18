#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>

#include "bindings.hpp"
#include "rebalance/common_lines.hpp"
#include "rebalance/line_angles.hpp"
#include "watched.hpp"

namespace py = pybind11;
using rebalance::LineTables;

namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Doubles = py::array_t<double, py::array::c_style>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;
using Indices = py::array_t<std::int32_t, py::array::c_style>;

rebalance::Rays as_rays(const Floats &rays) {
  if (rays.ndim() != 4 || rays.shape(1) != rebalance::kRays || rays.shape(3) != 2)
    throw std::invalid_argument("rays must have shape (N, 64, K, 2)");
  return {rays.shape(0), static_cast<int>(rays.shape(2)), rays.data()};
}

rebalance::LineShifts as_shifts(const Floats &phase, int n_rings) {
  if (phase.ndim() != 3 || phase.shape(1) != n_rings || phase.shape(2) != 2)
    throw std::invalid_argument("phase must have shape (T, K, 2)");
  return {static_cast<int>(phase.shape(0)), phase.data()};
}

void check_frames(const Doubles &frames, std::int64_t n) {
  if (frames.ndim() != 3 || frames.shape(1) != 3 || frames.shape(2) != 3 ||
      (n >= 0 && frames.shape(0) != n))
    throw std::invalid_argument("frames must have shape (F, 3, 3)");
}

void check_within(const std::int32_t *index, py::ssize_t size, std::int64_t n) {
  for (py::ssize_t i = 0; i < size; ++i)
    if (index[i] < 0 || index[i] >= n)
      throw std::invalid_argument("an image or direction named is not there");
}

std::unique_ptr<LineTables> all_pairs(const Floats &rays, const Floats &phase, int threads,
                                      const py::object &progress) {
  const auto images = as_rays(rays);
  const auto shifts = as_shifts(phase, images.n_rings);
  std::unique_ptr<LineTables> tables;
  run_watched(
      [&](rebalance::Control &control) {
        tables = std::make_unique<LineTables>(images, shifts, threads, control);
      },
      progress);
  return tables;
}

std::unique_ptr<LineTables> between(const Floats &rows, const Floats &columns, const Floats &phase,
                                    int threads, const py::object &progress) {
  const auto first = as_rays(rows), second = as_rays(columns);
  if (first.n_rings != second.n_rings)
    throw std::invalid_argument("rows and columns must have the same rings");
  const auto shifts = as_shifts(phase, first.n_rings);
  std::unique_ptr<LineTables> tables;
  run_watched(
      [&](rebalance::Control &control) {
        tables = std::make_unique<LineTables>(first, second, shifts, threads, control);
      },
      progress);
  return tables;
}

py::tuple vote(const LineTables &tables, const Indices &rows, const Doubles &frames,
               const Indices &image, const Doubles &directions, const py::object &only,
               int threads) {
  check_frames(frames, -1);
  check_frames(directions, -1);
  if (rows.ndim() != 1 || image.ndim() != 1 || image.shape(0) != frames.shape(0))
    throw std::invalid_argument("rows must have shape (R,), image (F,)");
  check_within(rows.data(), rows.size(), tables.n_rows());
  check_within(image.data(), image.size(), tables.n_columns());
  const std::vector<std::int32_t> named(rows.data(), rows.data() + rows.size());
  std::int64_t n_asked = directions.shape(0);
  Indices asked;
  if (!only.is_none()) {
    asked = only.cast<Indices>();
    if (asked.ndim() != 2 || asked.shape(0) != rows.size())
      throw std::invalid_argument("only must have shape (R, K)");
    check_within(asked.data(), asked.size(), directions.shape(0));
    n_asked = asked.shape(1);
  }
  Floats best({rows.size(), n_asked});
  Bytes turn({rows.size(), n_asked});
  const rebalance::Frames known{frames.shape(0), frames.data(), image.data()};
  const rebalance::DirectionVotes out{
      directions.shape(0), directions.data(),  n_asked, only.is_none() ? nullptr : asked.data(),
      best.mutable_data(), turn.mutable_data()};
  run_watched([&](rebalance::Control &c) { tables.vote(named, known, out, threads, c); },
              py::none());
  return py::make_tuple(best, turn);
}

py::tuple find_lines(const LineTables &tables, const py::object &rows, const py::object &columns,
                     int reach, int threads) {
  rebalance::Foretold foretold{nullptr, nullptr, reach};
  Doubles row_frames, column_frames;
  if (!rows.is_none()) {
    row_frames = rows.cast<Doubles>();
    column_frames = columns.cast<Doubles>();
    check_frames(row_frames, tables.n_rows());
    check_frames(column_frames, tables.n_columns());
    foretold.rows = row_frames.data();
    foretold.columns = column_frames.data();
  }
  Doubles in_row({tables.n_rows(), tables.n_columns()});
  Doubles in_column({tables.n_rows(), tables.n_columns()});
  Floats votes({tables.n_rows(), tables.n_columns()});
  const rebalance::Lines out{in_row.mutable_data(), in_column.mutable_data(), votes.mutable_data()};
  run_watched([&](rebalance::Control &c) { tables.find_lines(foretold, out, threads, c); },
              py::none());
  return py::make_tuple(in_row, in_column, votes);
}

py::tuple vote_on_angles(const Doubles &in_row, const Doubles &in_anchor, const Doubles &of_anchors,
                         const Indices &skip, int threads) {
  if (in_row.ndim() != 2 || in_anchor.ndim() != 2 || of_anchors.ndim() != 2 || skip.ndim() != 1)
    throw std::invalid_argument("angles must be matrices");
  const std::int64_t rows = in_row.shape(0), n = in_row.shape(1);
  if (in_anchor.shape(0) != rows || in_anchor.shape(1) != n || of_anchors.shape(0) != n ||
      of_anchors.shape(1) != n || skip.shape(0) != rows)
    throw std::invalid_argument("angles must have shapes (R, A), (R, A), (A, A), skip (R,)");
  for (std::int64_t i = 0; i < rows; ++i)
    if (skip.at(i) >= n)
      throw std::invalid_argument("skip must name an anchor");
  Doubles angle({rows, n});
  Floats share({rows, n});
  const rebalance::LineAngles lines{
      rows, n, in_row.data(), in_anchor.data(), of_anchors.data(), skip.data()};
  const rebalance::ViewAngles out{angle.mutable_data(), share.mutable_data()};
  run_watched([&](rebalance::Control &c) { rebalance::vote_on_angles(lines, out, threads, c); },
              py::none());
  return py::make_tuple(angle, share);
}

py::array_t<std::uint8_t> table(const LineTables &tables, std::int32_t row, std::int32_t column) {
  check_within(&row, 1, tables.n_rows());
  check_within(&column, 1, tables.n_columns());
  return Bytes({rebalance::kHalfCells, rebalance::kCells}, tables.table(row, column));
}

} // namespace

void bind_common_lines(py::module_ &module) {
  py::class_<LineTables>(module, "LineTables", "How lines of images agree, for pairs of images.")
      .def_static("all_pairs", &all_pairs, "Of (N, 64, K, 2) rays, shifted by (T, K, 2) phases.",
                  py::arg("rays").noconvert(), py::arg("phase").noconvert(), py::kw_only(),
                  py::arg("threads"), py::arg("progress") = py::none())
      .def_static("between", &between, "Of each row image with each column image.",
                  py::arg("rows").noconvert(), py::arg("columns").noconvert(),
                  py::arg("phase").noconvert(), py::kw_only(), py::arg("threads"),
                  py::arg("progress") = py::none())
      .def("vote", &vote,
           "Score (float32) and in-plane angle in cells (uint8) of all directions, (R, D) each, or "
           "of (R, K) ones.",
           py::arg("rows").noconvert(), py::arg("frames").noconvert(), py::arg("image").noconvert(),
           py::arg("directions").noconvert(), py::kw_only(), py::arg("only") = py::none(),
           py::arg("threads"))
      .def("find_lines", &find_lines,
           "Angle of the best line in the row and in the column image, radians, and its vote.",
           py::kw_only(), py::arg("rows") = py::none(), py::arg("columns") = py::none(),
           py::arg("reach") = 0, py::arg("threads"))
      .def_property_readonly("n_rows", &LineTables::n_rows)
      .def("table", &table, "(32, 64) uint8 votes of one pair.", py::arg("row"), py::arg("column"));
  module.def("vote_on_angles", &vote_on_angles,
             "Angles (radians) between the views of row images and anchors, and the share of "
             "anchors that agree.",
             py::arg("in_row").noconvert(), py::arg("in_anchor").noconvert(),
             py::arg("of_anchors").noconvert(), py::arg("skip").noconvert(), py::kw_only(),
             py::arg("threads"));
}
