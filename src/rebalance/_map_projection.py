"""Projections of a density map, by central slices of its Fourier transform.

A projection's transform is the central slice, across the viewing direction, of the map's
transform (Bracewell 1956). The slice is interpolated by cubic splines in the transform of the map
padded to twice its size, so that what is interpolated is smooth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates, spline_filter

from ._map import DensityMap
from ._phantom import HALO, HALO_DEPTH, Pose
from .errors import RebalanceError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

PADDING = 2  # of the map's width
MOST_OUTSIDE = 0.05  # of the dense part of the map, beyond half the box
EDGE = 0.05  # of the box, width of the soft edge of the sphere that holds the particle


def prepare(given: DensityMap, box: int, pixel_size: float, rotations: Floats) -> Singles:
    """Bring a map to the pixel size and box of the averages.

    Parameters
    ----------
    given : DensityMap
        The map.
    box : int
        Box size L in px.
    pixel_size : float
        A per pixel of the result.
    rotations : (G, 3, 3) float64 array
        Turns over which the map is averaged about its centre; where there is one only, the
        particle is moved to the centre of the box.

    Returns
    -------
    (L, L, L) float32 array
        The particle, on a level of 0, inside a soft sphere.

    Raises
    ------
    RebalanceError
        When the particle is larger than the box.
    """
    cube = _as_cube(given.values - _level(given.values))
    scale = given.pixel_size / pixel_size
    if len(rotations) == 1:
        cube = _centred(cube)
    outside = _share_outside(cube, 0.5 * box / scale)
    if outside > MOST_OUTSIDE:
        raise RebalanceError(
            f"The particle of the map must fit into a box of {box} px at {pixel_size:g} A, but "
            f"{100 * outside:.0f} % of it lie outside: give a larger box or pixel size."
        )
    return _symmetrised(_resampled(cube, scale, box), rotations) * _sphere(box)


def project_map(values: Singles, pose: Pose, resolution: Floats) -> Floats:
    """Project a map that :func:`prepare` made; as :func:`rebalance._phantom.project`.

    Parameters
    ----------
    values : (L, L, L) float32 array
        The particle; axis order (z, y, x).
    pose : Pose
        How each of the N projections is seen.
    resolution : (N,) float64 array
        Resolution in px: a Gaussian low-pass filter that is at exp(-2) there.

    Returns
    -------
    (N, L, L) float64 array
        Projections, without noise or mask.
    """
    box = len(values)
    real, imaginary = _spline_coefficients(values)
    y, x = np.meshgrid(np.fft.fftfreq(box), np.fft.rfftfreq(box), indexing="ij")
    images = np.empty((len(resolution), box, box))
    for n, image in enumerate(images):
        point = _slice_points(pose, n, y, x) * PADDING * box
        plane = _interpolated(real, point) + 1j * _interpolated(imaginary, point)
        shift = np.exp(-2j * np.pi * (y * pose.shift[n, 0] + x * pose.shift[n, 1]))
        plane *= shift * _filter(y**2 + x**2, resolution[n], box)
        image[:] = np.fft.fftshift(np.fft.irfft2(plane, s=(box, box)))
    return images


def _level(values: Singles) -> float:
    """Median of the voxels on the border."""
    inner = np.zeros(values.shape, dtype=np.bool_)
    inner[1:-1, 1:-1, 1:-1] = True
    return float(np.median(values[~inner]))


def _as_cube(values: Singles) -> Singles:
    """Pad with 0 to a cube; the middle voxel (length // 2) stays in the middle."""
    length = max(values.shape)
    before = [length // 2 - n // 2 for n in values.shape]
    pads = [(b, length - n - b) for b, n in zip(before, values.shape, strict=True)]
    return np.pad(values, pads)


def _centred(cube: Singles) -> Singles:
    """Roll the centre of mass of the dense part, above a tenth of the maximum, to the middle."""
    dense = _dense(cube)
    shift = []
    for axis in range(3):
        profile = dense.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.float64)
        centre = profile @ np.arange(len(cube)) / profile.sum()
        shift.append(len(cube) // 2 - round(centre))
    return np.roll(cube, shift, axis=(0, 1, 2))


def _dense(cube: Singles) -> Singles:
    return np.where(cube > 0.1 * cube.max(), cube, np.float32(0))


def _share_outside(cube: Singles, radius: float) -> float:
    """Share of the dense part that lies beyond a radius in px."""
    dense = _dense(cube)
    return float(dense[_radius(len(cube)) > radius].sum() / dense.sum())


def _resampled(cube: Singles, scale: float, box: int) -> Singles:
    """Scale a cube about its middle voxel and crop or pad it to the box."""
    length = len(cube)
    if scale < 1:  # leave out what the coarser grid cannot hold
        spectrum = np.fft.rfftn(cube)
        for axis in range(3):
            frequency = np.fft.rfftfreq(length) if axis == 2 else np.fft.fftfreq(length)
            low = np.abs(frequency) < 0.5 * scale
            spectrum *= low.reshape([-1 if a == axis else 1 for a in range(3)])
        cube = np.fft.irfftn(spectrum, s=cube.shape, axes=(0, 1, 2)).astype(np.float32)
    step = np.full(3, 1 / scale)
    offset = length // 2 - step * (box // 2)
    resampled: Singles = affine_transform(
        cube, step, offset, (box, box, box), order=3, output=np.float32
    )
    return resampled


def _symmetrised(cube: Singles, rotations: Floats) -> Singles:
    """Average over turns about the middle voxel."""
    if len(rotations) == 1:
        return cube
    centre = np.full(3, len(cube) // 2)
    coefficients = spline_filter(cube, output=np.float32)
    total = np.zeros(cube.shape)
    for rotation in rotations:
        matrix = rotation[::-1, ::-1]  # (z, y, x) as the axes of the map
        offset = centre - matrix @ centre
        total += affine_transform(coefficients, matrix, offset, order=3, prefilter=False)
    return (total / len(rotations)).astype(np.float32)


def _sphere(box: int) -> Singles:
    """(L, L, L) ball of half the box, with a soft edge."""
    within = np.clip((0.5 - _radius(box) / box) / EDGE, 0.0, 1.0)
    return (0.5 - 0.5 * np.cos(np.pi * within)).astype(np.float32)


def _radius(length: int) -> Singles:
    """(L, L, L) distances from the middle voxel in px."""
    along = (np.arange(length, dtype=np.float32) - length // 2) ** 2
    radius: Singles = np.sqrt(along[:, None, None] + along[:, None] + along)
    return radius


def _spline_coefficients(values: Singles) -> tuple[Singles, Singles]:
    """Cubic splines through the real and imaginary part of the padded map's transform."""
    box = len(values)
    padded = np.zeros((PADDING * box,) * 3, dtype=np.float32)
    start = PADDING * box // 2 - box // 2
    padded[(slice(start, start + box),) * 3] = values
    spectrum = np.fft.fftn(np.fft.ifftshift(padded)).astype(np.complex64)
    real = spline_filter(spectrum.real, output=np.float32, mode="grid-wrap")
    imaginary = spline_filter(spectrum.imag, output=np.float32, mode="grid-wrap")
    return real, imaginary


def _slice_points(pose: Pose, n: int, y: Floats, x: Floats) -> Floats:
    """(3, ...) frequencies (z, y, x) in the map of the frequencies (y, x) of an average."""
    angle = np.radians(pose.angle_deg[n])
    before_turn_x = np.cos(angle) * x + np.sin(angle) * y
    before_turn_y = np.cos(angle) * y - np.sin(angle) * x
    if pose.mirror[n]:
        before_turn_x = -before_turn_x
    x_axis, y_axis = pose.frame[n, 0, ::-1], pose.frame[n, 1, ::-1]
    points: Floats = np.multiply.outer(x_axis, before_turn_x)
    points += np.multiply.outer(y_axis, before_turn_y)
    return points


def _interpolated(coefficients: Singles, point: Floats) -> Floats:
    values: Floats = map_coordinates(
        coefficients, point, order=3, mode="grid-wrap", prefilter=False, output=np.float64
    )
    return values


def _filter(squared: Floats, resolution: float, box: int) -> Floats:
    """Low-pass filter and dark halo, at squared frequencies; as the phantom's."""
    halo = np.exp(-2 * np.pi**2 * (HALO * box) ** 2 * squared)
    passed: Floats = np.exp(-2 * resolution**2 * squared) * (1 - HALO_DEPTH * halo)
    return passed
