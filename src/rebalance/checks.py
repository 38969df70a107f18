"""Refusals at the front door: each names the thing, the rule and the value, and what to do."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from .errors import RebalanceError


def as_images(images: ArrayLike) -> NDArray[np.float32]:
    """(N, L, L) contiguous float32 copy or view of `images`; refuses what no search can use."""
    array = _as_array("images", images)
    if array.ndim != 3 or array.shape[1] != array.shape[2] or 0 in array.shape:
        raise RebalanceError(
            f"images must have shape (N, L, L), not {array.shape}: give a stack of square images"
        )
    if array.dtype.kind not in "iuf":
        raise RebalanceError(
            f"images must be real numbers, not dtype {array.dtype}: convert them to float32"
        )
    if array.shape[1] < 8:
        raise RebalanceError(f"images must be at least 8 px wide, not {array.shape[1]}")
    with np.errstate(over="ignore"):  # too large for single precision becomes infinite
        single = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(single).all(axis=(1, 2))
    if not finite.all():
        raise RebalanceError(
            f"images must be finite, but image {int(np.argmin(finite))} has NaN or infinite "
            "pixels: leave it out or repair it"
        )
    return single


def as_affinity_values(values: ArrayLike) -> NDArray[np.float64]:
    """(N, N) float64 copy of an affinity matrix; refuses what is none."""
    given = _as_array("affinity", values)
    if given.dtype.kind not in "iuf":
        raise RebalanceError(f"affinity must be real numbers, not dtype {given.dtype}")
    array = np.array(given, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise RebalanceError(f"affinity must have shape (N, N) with N >= 1, not {array.shape}")
    if not np.isfinite(array).all():
        raise RebalanceError("affinity must be finite, but some entries are NaN or infinite")
    if array.min() < 0 or array.max() > 1:
        raise RebalanceError(
            f"affinity must lie in [0, 1], but spans {array.min():g} to {array.max():g}: "
            "clip or rescale it"
        )
    difference = float(np.abs(array - array.T).max())
    if difference > 1e-6:
        raise RebalanceError(
            f"affinity must be symmetric, but differs from its transpose by {difference:g}: "
            "use (a + a.T) / 2"
        )
    return array


def as_links(affinity: sparse.sparray) -> sparse.csr_array:
    """Symmetric (N, N) sparse affinity, of which only nearest neighbours are known."""
    links = sparse.csr_array(affinity)
    if links.shape[0] != links.shape[1] or 0 in links.shape:
        raise RebalanceError(f"affinity must have shape (N, N) with N >= 1, not {links.shape}")
    values = links.data
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise RebalanceError("affinity must be finite real numbers, and some entries are not")
    if len(values) and (values.min() < 0 or values.max() > 1):
        raise RebalanceError(
            f"affinity must lie in [0, 1], but spans {values.min():g} to {values.max():g}: "
            "clip or rescale it"
        )
    return sparse.csr_array(links.maximum(links.T))


def as_unit_vectors(directions: ArrayLike) -> NDArray[np.float64]:
    """(N, 3) directions of any length as vectors of length 1, in an array of their own."""
    axes = np.asarray(directions, dtype=np.float64)
    if axes.ndim != 2 or axes.shape[1] != 3 or len(axes) == 0:
        raise RebalanceError(
            f"directions must have shape (N, 3) with N >= 1, not {axes.shape}: give one vector "
            "for each average"
        )
    length = np.linalg.norm(axes, axis=1, keepdims=True)
    usable = np.isfinite(length) & (length > 0)
    if not usable.all():
        raise RebalanceError(
            f"directions must be finite and longer than 0, but average {int(np.argmin(usable))} "
            "has none: leave it out"
        )
    unit: NDArray[np.float64] = axes / length
    return unit


def _as_array(name: str, given: ArrayLike) -> NDArray[np.generic]:
    try:
        return np.asarray(given)
    except ValueError:
        raise RebalanceError(
            f"{name} must be one array, not nested lists of different lengths"
        ) from None


def as_factor(factor: object) -> Decimal:
    """Rebalance factor as the decimal written, in [0, 1]."""
    try:
        value = Decimal(str(factor))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 1:
        raise RebalanceError(
            f"rebalance factor must be a number from 0 to 1, not {factor!r}: "
            "0 drops nothing, 1 makes all superclasses equal"
        )
    return value


def as_percentile(percentile: object) -> Decimal:
    """Percentile of superclass sizes as the decimal written, in [0, 100]."""
    try:
        value = Decimal(str(percentile))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 100:
        raise RebalanceError(
            f"cap percentile must be a number from 0 to 100, not {percentile!r}: 0 cuts to the "
            "smallest superclass, 100 drops nothing"
        )
    return value


def as_target(target: object) -> int:
    """Number of particles to keep, a whole number from 1."""
    return as_whole("target", target, 1)


def as_max_size(max_size: object) -> int:
    """Maximum superclass size, a whole number from 1."""
    return as_whole("maximum superclass size", max_size, 1)


def as_whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """`value` as an int within limits."""
    allowed = f"from {least}" if most is None else f"from {least} to {most}"
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    number = int(value) if whole else least - 1  # type: ignore[call-overload]
    if number < least or (most is not None and number > most):
        raise RebalanceError(f"{name} must be a whole number {allowed}, not {value!r}")
    return number


def as_positive(name: str, value: object, unit: str) -> float:
    """`value` as a finite float above 0."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise RebalanceError(f"{name} must be a number of {unit} above 0, not {value!r}")
    number = float(value)
    if not (np.isfinite(number) and number > 0):
        raise RebalanceError(f"{name} must be a number of {unit} above 0, not {value!r}")
    return number


def as_max_shift(max_shift: object, box: int) -> float:
    """Radius of the disc of shifts, px; 0: no shifts."""
    number = -1.0
    if isinstance(max_shift, (int, float, np.number)) and not isinstance(max_shift, bool):
        number = float(max_shift)
    if not 0 <= number <= box / 2:
        raise RebalanceError(
            f"maximum shift must be a number of px from 0 to half the box ({box / 2:g}), "
            f"not {max_shift!r}"
        )
    return number


def as_band(band: tuple[float, float]) -> tuple[float, float]:
    """(low, high) in cycles/px, 0 <= low < high <= 0.5."""
    try:
        low, high = (float(limit) for limit in band)
    except (TypeError, ValueError):
        low = high = -1.0
    if not 0 <= low < high <= 0.5:
        raise RebalanceError(
            f"band must be (low, high) with 0 <= low < high <= 0.5 cycles/px, not {band!r}"
        )
    return low, high


def as_weights(weights: object, rings: int) -> tuple[float, ...]:
    """One weight per ring, finite, none below 0 and not all 0."""
    array = _as_array("weights", weights)  # type: ignore[arg-type]
    if array.dtype.kind not in "iuf" or array.shape != (rings,):
        raise RebalanceError(
            f"weights must be one number for each of {rings} rings, not an array of type "
            f"{array.dtype} and shape {array.shape}: give rings and weights together"
        )
    if not np.isfinite(array).all() or array.min() < 0 or array.max() <= 0:
        raise RebalanceError(
            f"weights must be finite, 0 or more and not all 0, but span {array.min():g} to "
            f"{array.max():g}"
        )
    return tuple(float(weight) for weight in array)


def as_threads(threads: object | None) -> int:
    """Number of threads; None: the processors that this process may use."""
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return as_whole("threads", threads, 1, 1024)


def as_executor(executor: object) -> None:
    """Refuse what is no executor."""
    if not isinstance(executor, Executor):
        raise RebalanceError(
            f"executor must be a concurrent.futures.Executor, not {type(executor).__name__}: give "
            "a pool, or client.get_executor() of dask"
        )


def as_seed(seed: object) -> int:
    """Random seed, 0 to 2**63 - 1."""
    return as_whole("seed", seed, 0, 2**63 - 1)
