"""How other code lays out noise: channels first or last, per image or per class, in which order, in 1/255 or in 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from attacks.core.errors import RequestError, escaped
from attacks.engine.noise import Noise, narrow, slices
from bench.data.tree import composed

Layout = Literal["nchw", "nhwc"]
Unit = Literal["255", "1"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
UNITS: tuple[Unit, ...] = get_args(Unit)
SCALES: dict[Unit, int] = {"255": 1, "1": 255}
IMAGES = "if these are protected images, subtract the clean ones"
Values = npt.NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How a tensor of noise is arranged: its layout, and whether it has one noise per class or per image."""

    layout: Layout
    per_class: bool


def find_arrangement(shape: Shape, images: Shape, classes: int, wanted: Layout | None) -> Arrangement:
    """Work out how a tensor is arranged; one with as many classes as images is taken to have one noise per image.

    Args:
        shape: that of the tensor.
        images: (N, C, H, W) of the training images.
        classes: how many there are.
        wanted: the layout, if the user states it.

    Raises:
        RequestError: if it fits the images in neither layout, or in both.
    """
    count, *sides = images
    fitting = [layout for layout in LAYOUTS if shape[1:] == _arranged(sides, layout) and wanted in {None, layout}]
    if not fitting or shape[0] not in {count, classes}:
        expected = " or ".join(
            str((count, *_arranged(sides, layout))) for layout in LAYOUTS if wanted in {None, layout}
        )
        raise RequestError(
            f"the noise has shape {shape}; for these images it must be {expected}, or {classes} instead of {count} "
            "if class-wise"
        )
    if len(fitting) > 1:
        raise RequestError(f"a noise of shape {shape} fits both layouts; give --layout {' or '.join(LAYOUTS)}")
    return Arrangement(layout=fitting[0], per_class=shape[0] != count)


def _arranged(sides: list[int], layout: Layout) -> Shape:
    channels, height, width = sides
    return (channels, height, width) if layout == "nchw" else (height, width, channels)


def check_order(listed: Sequence[str], files: Sequence[str]) -> None:
    """Compare the files that a noise was made for, one per image, with those of the training images.

    Two paths agree where one is the end of the other: `1.png`, `cat/1.png`, `train/cat/1.png`, `/pets/train/cat/1.png`.

    Args:
        listed: paths as the source of the noise lists them.
        files: paths of the training images.

    Raises:
        RequestError: if they differ, or are in another order.
    """
    if len(listed) != len(files):
        raise RequestError(
            f"the noise lists {len(listed):,} files, but there are {len(files):,} training images; list each once"
        )
    for number, (theirs, ours) in enumerate(zip(listed, files, strict=True)):
        if not _agree(_parts(theirs), _parts(ours)):
            raise RequestError(
                f"entry {number} of the noise is for {escaped(theirs)}, "
                f"but training image {number} is {escaped(ours)}; "
                "put the noise in the order in which torchvision's ImageFolder lists the files"
            )


def _parts(path: str) -> tuple[str, ...]:
    return PurePath(composed(path.replace("\\", "/"))).parts


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    common = min(len(one), len(other))
    return common > 0 and one[-common:] == other[-common:]


def find_unit(values: Values, wanted: Unit | None) -> Unit:
    """Work out the unit of finite noise: 1/255 for integers and for floats with an entry beyond 1, else 1.

    Raises:
        RequestError: if it could be either, or cannot be what the user states.
    """
    if values.dtype.kind == "i":
        if wanted == "1":
            raise RequestError("integer noise is always in units of 1/255; leave out --unit")
        return "255"
    most = greatest(values)
    if not wanted and 0.5 <= most <= 1:
        hint = f"; {IMAGES}" if may_be_images(values) else ""
        raise RequestError(
            f"the noise's largest entry, {most:.4g}, could be in units of 1 or 1/255; give --unit 1 or --unit 255{hint}"
        )
    unit: Unit = wanted or ("255" if most > 1 else "1")
    if 0 < most * SCALES[unit] <= 0.5:  # a half is rounded to even, i.e. to 0
        taken, advice = (
            ("1/255", "give --unit 1 if it is in units of 1") if unit == "255" else ("1", "use stronger noise")
        )
        raise RequestError(f"the noise's largest entry, {most:.4g} in units of {taken}, rounds to zero; {advice}")
    return unit


def count_not_finite(values: Values) -> int:
    """Return how many entries are NaN or infinite."""
    return values.size - int(np.isfinite(values).sum())


def greatest(values: Values) -> float:
    """Return the largest absolute value of finite numbers."""
    return max(abs(float(values.min())), abs(float(values.max())))


def may_be_images(values: Values) -> bool:
    """Return whether finite numbers may be images: none is negative, as most noise is in places."""
    return float(values.min()) >= 0


def exceeds(largest: float, bound: float) -> bool:
    """Return whether a size exceeds a bound once rounded; unlike `round`, it takes infinity."""
    return largest > bound + 1 or round(largest) > bound


def to_grid(values: Values, unit: Unit) -> Noise:
    """Return finite noise, at most 255/255 anywhere, rounded to the 1/255 grid."""
    rounded = np.empty(values.shape, np.int16)
    for part in slices(values.shape):  # in parts, since doubles take many times the memory
        rounded[part] = np.rint(values[part].astype(np.float64) * SCALES[unit])
    return narrow(rounded)


def expand(noise: Noise, arrangement: Arrangement, labels: npt.NDArray[np.int64]) -> Noise:
    """Convert a noise in some arrangement to one noise per image, (N, C, H, W)."""
    if arrangement.layout == "nhwc":
        noise = noise.transpose(0, 3, 1, 2)
    return noise[labels] if arrangement.per_class else np.ascontiguousarray(noise)


def arranged(noise: Noise, layout: Layout, unit: Unit) -> Values:
    """Return a noise (N, C, H, W) in another layout and unit; as floats if the unit is 1."""
    if layout == "nhwc":
        noise = np.ascontiguousarray(noise.transpose(0, 2, 3, 1))
    return noise if unit == "255" else noise / np.float32(SCALES[unit])
