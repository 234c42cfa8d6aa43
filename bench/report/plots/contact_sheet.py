"""Clean images, and every method's noise with the protected images."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from attacks.engine.noise import Images, Noise, apply_noise
from bench.report.plots.cells import meanings
from bench.report.plots.layout import SAFE, shorten, text_width, wrapped
from bench.report.plots.page import DEFAULT, Page

AMPLIFY = 16
_GREY = 128
_NARROWEST = 2.7  # inches, for a column of images with their names
_GAP = 0.05  # inches between blocks
_PROTECTED = "protected"


def contact_sheet(
    images: Images,
    noises: Mapping[str, Noise],
    page: Page = DEFAULT,
    *,
    marks: Mapping[str, str] | None = None,
    left_out: Sequence[str] = (),
) -> Figure:
    """Return a row of clean images, then two per method: its noise x16 around mid-grey, and the protected images.

    Args:
        images: `(n, C, H, W)`, C 1 or 3.
        noises: by method, in the order of the rows; each shaped like `images`, in units of 1/255.
        page: the print format.
        marks: shown after the names of methods, as `bench.report.plots.cells.marks_of` returns them.
        left_out: the methods whose noise is missing here; a note names them.
    """
    clean, known = _strip(images), marks or {}
    with page.drawing():
        columns = min(max(1, int(page.inches / _NARROWEST)), len(noises))
        titles = [f"{shorten(method, 22)}{known.get(method, '')}" for method in noises]
        size = float(mpl.rcParams["ytick.labelsize"])
        beside = max(text_width(text, size) for text in [*titles, _PROTECTED]) + 2 * _GAP
        scale = (page.inches / columns - beside) / clean.shape[1]  # inches per pixel
        row = scale * clean.shape[0]
        lines = -(-len(noises) // columns)
        lacking = f"left out (noise not in the cache): {', '.join(left_out)}" if left_out else ""
        note = wrapped("; ".join(filter(None, [meanings(known, noises), lacking])), SAFE * page.inches, size)
        foot = 1.25 * size * len(note) / 72 + _GAP * bool(note)
        height = row * (1 + 2 * lines) + _GAP * (lines + 2) + foot
        figure = Figure(figsize=(page.inches, height))
        if note:
            figure.supxlabel("\n".join(note), y=_GAP / height, fontsize=size, linespacing=1.1, parse_math=False)

        def draw(column: int, top: float, block: Images, names: Sequence[str]) -> None:
            width, tall = (scale * pixels for pixels in (block.shape[1], block.shape[0]))
            left, bottom = page.inches * column / columns + beside, height - top - tall
            panel = figure.add_axes((left / page.inches, bottom / height, width / page.inches, tall / height))
            _show(panel, block, names)

        for column in range(columns):
            draw(column, _GAP, clean, ["clean"])
        for place, (title, noise) in enumerate(zip(titles, noises.values(), strict=True)):
            line, column = divmod(place, columns)
            amplified = np.clip(_GREY + AMPLIFY * noise.astype(np.int32), 0, 255).astype(np.uint8)
            block = np.concatenate([_strip(amplified), _strip(apply_noise(images, noise))])
            names = [f"{title}\nnoise x{AMPLIFY}", _PROTECTED]
            draw(column, 2 * _GAP + row + (2 * row + _GAP) * line, block, names)
    return figure


def _show(panel: Axes, block: Images, names: Sequence[str]) -> None:
    """Show one block with its rows named."""
    row = block.shape[0] / len(names)
    panel.imshow(block, interpolation="none", aspect="auto")
    panel.set_yticks([row * (number + 0.5) - 0.5 for number in range(len(names))], names, linespacing=1.0)
    panel.set_xticks([])
    panel.tick_params(length=0, pad=2)
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)


def _strip(images: Images) -> Images:
    """Return images side by side on white, as `(H + gap, n * (W + gap), 3)`."""
    gap = max(1, images.shape[-1] // 16)
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=255)
    strip = np.concatenate(list(padded.transpose(0, 2, 3, 1)), axis=1)
    return np.repeat(strip, 3, axis=2) if strip.shape[2] == 1 else strip


def contact_sheet_table(
    numbers: NDArray[np.int64], seeds: Mapping[str, int], noises: Mapping[str, Noise]
) -> pd.DataFrame:
    """Return what is shown: a row per method and image, with the L-inf and L2 norm of its noise, in 1/255.

    Args:
        numbers: the indices of the images in the training set, (n,).
        seeds: the seeds of the noises, by method.
        noises: the noises by method, (n, C, H, W).
    """
    rows = [
        (
            method,
            seeds[method],
            number,
            int(np.abs(one.astype(np.int32)).max()),
            round(float(np.linalg.norm(one.astype(np.float64))), 4),
        )
        for method, noise in noises.items()
        for number, one in zip(numbers.tolist(), noise, strict=True)
    ]
    return pd.DataFrame(rows, columns=["method", "seed", "image", "linf", "l2"])
