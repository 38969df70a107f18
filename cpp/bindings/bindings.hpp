// One function per topic; module.cpp lists them.
#pragma once

#include <pybind11/pybind11.h>

void bind_star_rows(pybind11::module_ &module);
