#include "bindings.hpp"
#include "rebalance/repeats.hpp"
#include "rebalance/star_rows.hpp"
#include "rebalance/star_split.hpp"

#include <pybind11/numpy.h>

namespace py = pybind11;
using namespace rebalance;

namespace {

template <class T> using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

// The bytes of a buffer, checked to be contiguous.
std::string_view as_text(const py::buffer_info &info) {
  if (info.ndim != 1 || info.itemsize != 1 || (info.size > 0 && info.strides[0] != 1))
    throw py::value_error("text must be a contiguous buffer of bytes");
  return {static_cast<const char *>(info.ptr), static_cast<std::size_t>(info.size)};
}

template <class T> py::bytes as_bytes(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

std::size_t read_text(RowScan &scan, const py::buffer &buffer) {
  const py::buffer_info info = buffer.request();
  const std::string_view text = as_text(info);
  py::gil_scoped_release unlocked;
  return scan.read(text);
}

std::size_t split_text(RowSplit &split, const py::buffer &buffer, const Array<std::uint8_t> &files,
                       std::size_t row) {
  const py::buffer_info info = buffer.request();
  const std::string_view text = as_text(info);
  const std::uint8_t *data = files.data();
  const auto n_rows = static_cast<std::size_t>(files.size());
  py::gil_scoped_release unlocked;
  split.split(text, data, n_rows, row);
  return row;
}

py::memoryview text_of(const RowSplit &split, std::size_t file) {
  const std::string_view text = split.text(file);
  return py::memoryview::from_memory(text.empty() ? "" : text.data(),
                                     static_cast<py::ssize_t>(text.size()));
}

py::tuple add_values(const py::buffer &buffer, int n_columns, const Array<std::int32_t> &value,
                     std::size_t row) {
  const py::buffer_info info = buffer.request();
  const std::string_view text = as_text(info);
  const auto n_rows = static_cast<std::size_t>(value.size());
  std::string result;
  {
    const std::int32_t *data = value.data();
    py::gil_scoped_release unlocked;
    result = with_values(text, n_columns, data, n_rows, row);
  }
  return py::make_tuple(py::bytes(result), row);
}

py::bytes column(const py::buffer &buffer, int index) {
  const py::buffer_info info = buffer.request();
  return column_text(as_text(info), index);
}

py::tuple repeats(const Array<std::uint64_t> &identity) {
  Repeats found;
  {
    const std::uint64_t *data = identity.data();
    const auto size = static_cast<std::size_t>(identity.size());
    py::gil_scoped_release unlocked;
    found = find_repeats(data, size);
  }
  return py::make_tuple(as_bytes(found.row), found.n_later);
}

} // namespace

void bind_star_rows(py::module_ &module) {
  py::enum_<RowFault>(module, "RowFault")
      .value("none", RowFault::none)
      .value("short_row", RowFault::short_row)
      .value("long_row", RowFault::long_row)
      .value("open_quote", RowFault::open_quote)
      .value("bad_class", RowFault::bad_class)
      .value("nul_byte", RowFault::nul_byte);
  py::class_<RowScan>(module, "RowScan")
      .def(py::init<int, int, int>(), py::arg("n_columns"), py::arg("class_column"),
           py::arg("name_column"))
      .def("read", &read_text, py::arg("text"))
      .def_property_readonly("class_number",
                             [](const RowScan &s) { return as_bytes(s.class_number()); })
      .def_property_readonly("identity", [](const RowScan &s) { return as_bytes(s.identity()); })
      .def_property_readonly("ended", &RowScan::ended)
      .def_property_readonly("n_lines", &RowScan::n_lines)
      .def_property_readonly("fault", &RowScan::fault)
      .def_property_readonly("fault_column", &RowScan::fault_column)
      .def_property_readonly("fault_value",
                             [](const RowScan &s) { return py::bytes(s.fault_value()); });
  py::class_<RowSplit>(module, "RowSplit")
      .def(py::init<std::size_t>(), py::arg("n_files"))
      .def("split", &split_text, py::arg("text"), py::arg("file_of_row"), py::arg("row"))
      .def("text", &text_of, py::arg("file"), py::keep_alive<0, 1>());
  module.def("with_values", &add_values, py::arg("text"), py::arg("n_columns"), py::arg("value"),
             py::arg("row"));
  module.def("column_text", &column, py::arg("text"), py::arg("column"));
  module.def("find_repeats", &repeats, py::arg("identity"));
}
