#include "rebalance/star_rows.hpp"
