"""``python -m rebalance`` is the same as ``rebalance``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
