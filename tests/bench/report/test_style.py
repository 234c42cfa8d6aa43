from itertools import combinations

import numpy as np
import numpy.typing as npt
from skimage.color import deltaE_ciede2000, rgb2lab

from attacks.methods import METHODS
from bench.report.plots.style import look

# Methods measured in the committed results; others come after them.
FIRST = {
    "clean",
    "random",
    "em-fu22",
    "em-fu22-aligned",
    "em-huang21",
    "em-huang21-classwise",
    "rem-fu22",
    "sem-liu24",
    "tap-fowl21",
    "lsp-yu22",
    "ar-sandoval22",
    "ops-wu23",
    "cuda-sadasivan23",
}
# What linear RGB becomes without one kind of cone (Machado et al., IEEE TVCG 15(6), 2009, severity 1).
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def seen(color: str, vision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how a hexadecimal colour is seen, in CIELAB."""
    rgb = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = vision @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear, 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def difference(one: str, other: str) -> float:
    """Return the smallest CIEDE2000 difference of two colours over all kinds of vision."""
    return min(float(deltaE_ciede2000(seen(one, eye), seen(other, eye))) for eye in VISIONS.values())


def test_every_two_methods_can_be_told_apart_with_every_kind_of_colour_vision() -> None:
    for one, other in combinations(sorted({*FIRST, *METHODS}), 2):
        least = 14 if {one, other} <= FIRST else 7.5
        assert difference(look(one).color, look(other).color) > least, (one, other)
        assert look(one).marker != look(other).marker


def test_other_names_take_colours_and_markers_that_are_left() -> None:
    listed = [look(name) for name in {*FIRST, *METHODS}]
    for name in ("from-a-plugin", "noise-of-mine", "x"):
        assert min(difference(look(name).color, known.color) for known in listed) > 7.5
        assert look(name).marker not in {known.marker for known in listed}
