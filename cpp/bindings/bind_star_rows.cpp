#include "bindings.hpp"

void bind_star_rows(pybind11::module_ &) {}
