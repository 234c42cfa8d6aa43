"""Clean images, their noise and the protected images, side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.plots.style import WIDTH, paper_style

Images = NDArray[np.uint8]
Noise = NDArray[np.int8]

_AMPLIFY = 16
_GREY = 128


def contact_sheet(images: Images, noises: Mapping[str, Noise]) -> Figure:
    """Return one block per method: a row of clean images, one of noise x16 around mid-grey, one of protected images.

    Args:
        images: `(n, C, H, W)`, C 1 or 3.
        noises: by method, in the order of the blocks; each like `images`, in units of 1/255.
    """
    blocks = {method: _block(images, noise) for method, noise in noises.items()}
    with paper_style():
        height, width = next(iter(blocks.values())).shape[:2]
        block_height = (WIDTH - 0.6) * height / width + 0.2
        figure = Figure(figsize=(WIDTH, block_height * len(blocks)), layout="constrained")
        axes = figure.subplots(len(blocks), 1, squeeze=False)
        for panel, (method, block) in zip(axes.flat, blocks.items(), strict=True):
            panel.imshow(block, interpolation="none")
            panel.set_title(method, loc="left", pad=2)
            panel.set_yticks(
                [height * (row + 0.5) / 3 - 0.5 for row in range(3)], ["clean", f"noise x{_AMPLIFY}", "protected"]
            )
            panel.set_xticks([])
            panel.tick_params(length=0)
            panel.grid(visible=False)
            panel.spines[:].set_visible(False)
    return figure


def _block(images: Images, noise: Noise) -> Images:
    """Return the three rows of one method as one image `(3 * (H + gap), n * (W + gap), 3)`."""
    wide = noise.astype(np.int16)
    protected = np.clip(images + wide, 0, 255)
    amplified = np.clip(_GREY + _AMPLIFY * wide, 0, 255)
    return np.concatenate([_row(row.astype(np.uint8)) for row in (images, amplified, protected)])


def _row(images: Images) -> Images:
    """Return images side by side on white, as `(H + gap, n * (W + gap), 3)`."""
    gap = max(1, images.shape[-1] // 16)
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=255)
    row = np.concatenate(list(padded.transpose(0, 2, 3, 1)), axis=1)
    return np.repeat(row, 3, axis=2) if row.shape[2] == 1 else row
