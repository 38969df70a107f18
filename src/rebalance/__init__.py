"""See how cryo-EM particles spread over views, from 2D class averages, and balance them."""

from ._affinity import affinity, affinity_between
from ._affinity_results import Affinity, AffinityBetween, SparseAffinity
from ._align import align
from ._balance import Balance, balance
from ._map import DensityMap
from ._simulate import Simulation, simulate
from ._simulation_settings import SimulationSettings
from ._superclasses import Superclasses, Superclassifier, superclassify
from ._version import __version__
from .errors import RebalanceError

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
    "__version__",
    "affinity",
    "affinity_between",
    "align",
    "balance",
    "simulate",
    "superclassify",
]
