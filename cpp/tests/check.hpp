// Checks that say where they failed, and go on.
#pragma once

#include <cstdio>

namespace check {

inline int failures = 0;

inline void that(bool holds, const char *what, const char *file, int line) {
  if (holds)
    return;
  ++failures;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}

/// Exit status of a test program.
inline int result() {
  return failures == 0 ? 0 : 1;
}

} // namespace check

#define CHECK(...) check::that((__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

/// `statement` throws `Exception`, and nothing else.
#define CHECK_THROWS(Exception, ...)                                                               \
  do {                                                                                             \
    bool thrown = false;                                                                           \
    try {                                                                                          \
      __VA_ARGS__;                                                                                 \
    } catch (const Exception &) {                                                                  \
      thrown = true;                                                                               \
    }                                                                                              \
    check::that(thrown, #__VA_ARGS__ " throws " #Exception, __FILE__, __LINE__);                   \
  } while (false)
