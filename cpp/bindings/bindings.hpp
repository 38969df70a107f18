// One function per topic; module.cpp lists them.
#pragma once

#include <pybind11/pybind11.h>

void bind_common_lines(pybind11::module_ &module);
void bind_draw(pybind11::module_ &module);
void bind_kernels(pybind11::module_ &module);
void bind_pair_search(pybind11::module_ &module);
void bind_polar_rings(pybind11::module_ &module);
void bind_star_rows(pybind11::module_ &module);
void bind_superclass_tree(pybind11::module_ &module);
