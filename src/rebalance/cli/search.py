"""Options that say how class averages are compared."""

from __future__ import annotations

import argparse

from ..checks import as_positive
from ..config import AffinitySettings
from ..errors import RebalanceError
from ..io import ClassAverages
from .lengths import Length, as_length
from .numbers import as_int

OPTIONS = ("mask_diameter", "max_shift", "resolution", "no_mirror", "exhaustive")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    search = parser.add_argument_group(
        "comparison", "Lengths are A, or px with px behind the number; defaults come from the data."
    )
    search.add_argument(
        "--angpix", metavar="A", type=float, help="pixel size of the averages (default: read)"
    )
    search.add_argument(
        "--mask-diameter", metavar="LENGTH", type=as_length, help="circle that is compared"
    )
    search.add_argument(
        "--max-shift", metavar="LENGTH", type=as_length, help="largest shift searched"
    )
    search.add_argument(
        "--resolution", metavar="LENGTH", type=as_length, help="finest detail compared, as 10A"
    )
    search.add_argument("--no-mirror", action="store_true", help="mirror images are other views")
    search.add_argument(
        "--exhaustive", action="store_true", help="search the whole grid, without short cuts"
    )
    search.add_argument(
        "-j", "--threads", metavar="N", type=as_int, help="threads (default: all processors)"
    )


def settings(args: argparse.Namespace, averages: ClassAverages) -> AffinitySettings:
    """What the options ask for, in px of the averages."""
    pixel_size = averages.pixel_size
    if args.angpix is not None:
        pixel_size = as_positive("pixel size (--angpix)", args.angpix, "A")

    def px(option: str, length: Length | None) -> float | None:
        return None if length is None else length.in_px(option, pixel_size)

    mask = px("--mask-diameter", args.mask_diameter)
    finest = px("--resolution", args.resolution)
    box = averages.images.shape[1]
    return AffinitySettings(
        band=None if finest is None else _band(finest, mask or box),
        mask_diameter=mask,
        max_shift=px("--max-shift", args.max_shift),
        mirror=not args.no_mirror,
        exhaustive=args.exhaustive,
    )


def refuse_options(args: argparse.Namespace, given: str) -> None:
    """Refuse options that an affinity `given` would leave without effect."""
    options = {option: getattr(args, option) for option in OPTIONS}
    idle = ["--" + option.replace("_", "-") for option, value in options.items() if value]
    if idle:
        raise RebalanceError(
            f"{idle[0]} says how averages are compared, and {given} that they are not compared "
            "again: leave one of the two out"
        )


def _band(finest: float, diameter: float) -> tuple[float, float]:
    if not 2 <= finest < diameter:
        raise RebalanceError(
            "--resolution must lie between 2 px (the finest that the averages hold) and the "
            f"mask diameter ({diameter:g} px), not {finest:g} px"
        )
    return 1 / diameter, 1 / finest
