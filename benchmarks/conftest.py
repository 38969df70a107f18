"""NumPy's matrix products run on one thread, as everything beside them does."""

import one_thread  # noqa: F401
