"""How a command line is refused."""

from __future__ import annotations

import argparse
from typing import NoReturn

REFUSED = 2


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"rebalance: error: {message}; see {self.prog} --help.\n")
