"""See how cryo-EM particles spread over views, from 2D class averages, and balance them."""

from ._affinity import Affinity, affinity
from ._align import align
from ._balance import Balance, balance
from ._superclasses import Superclasses, Superclassifier, superclassify
from ._version import __version__
from .errors import RebalanceError

__all__ = [
    "Affinity",
    "Balance",
    "RebalanceError",
    "Superclasses",
    "Superclassifier",
    "__version__",
    "affinity",
    "align",
    "balance",
    "superclassify",
]
