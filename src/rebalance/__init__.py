"""See how cryo-EM particles spread over views, from 2D class averages, and balance them."""

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity import affinity, affinity_between
    from ._affinity_results import Affinity, AffinityBetween, SparseAffinity
    from ._align import align
    from ._balance import Balance, balance
    from ._density import keep_fractions, keep_fractions_by_angle, keep_fractions_by_direction
    from ._extend import extend_affinity
    from ._junk import find_junk
    from ._map import DensityMap
    from ._simulate import Simulation, simulate
    from ._simulation_settings import SimulationSettings
    from ._stable_numbers import keep_numbers
    from ._superclass_tree import sharpen
    from ._superclasses import Superclasses, Superclassifier, superclassify
    from ._version import __version__
    from ._view_sphere import view_sphere
    from ._view_verdict import ViewSphere

__all__ = [
    "Affinity",
    "AffinityBetween",
    "Balance",
    "DensityMap",
    "RebalanceError",
    "Simulation",
    "SimulationSettings",
    "SparseAffinity",
    "Superclasses",
    "Superclassifier",
    "ViewSphere",
    "__version__",
    "affinity",
    "affinity_between",
    "align",
    "balance",
    "extend_affinity",
    "find_junk",
    "keep_fractions",
    "keep_fractions_by_angle",
    "keep_fractions_by_direction",
    "keep_numbers",
    "sharpen",
    "simulate",
    "superclassify",
    "view_sphere",
]

# Where the names above live. They are loaded when first asked for: the command line has to heed
# signals before it loads NumPy and SciPy.
_HOME = {
    "_affinity": "affinity affinity_between",
    "_affinity_results": "Affinity AffinityBetween SparseAffinity",
    "_align": "align",
    "_balance": "Balance balance",
    "_density": "keep_fractions keep_fractions_by_angle keep_fractions_by_direction",
    "_extend": "extend_affinity",
    "_junk": "find_junk",
    "_stable_numbers": "keep_numbers",
    "_map": "DensityMap",
    "_simulate": "Simulation simulate",
    "_simulation_settings": "SimulationSettings",
    "_superclass_tree": "sharpen",
    "_superclasses": "Superclasses Superclassifier superclassify",
    "_version": "__version__",
    "_view_sphere": "view_sphere",
    "_view_verdict": "ViewSphere",
}


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOME.items() if name in names.split()), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
