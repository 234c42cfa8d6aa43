"""AR, after psandovalsegura/autoregressive-poisoning (Sandoval-Segura et al., NeurIPS 2022)."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from common import CLASSES, COUNT, SIDE, Draws, Found, Row, images, labels

FOLDER = "."
CUT = 4


def filters() -> torch.Tensor:
    """Return filters (classes, 3, 3, 3) that do not diverge: the non-zero weights are positive and sum to 1."""
    drawn = torch.from_numpy(np.random.default_rng(5).random((CLASSES, 3, 3, 3)))
    drawn[:, :, 2, 2] = 0
    return drawn / drawn.sum((2, 3), keepdim=True)


def theirs(kind: str) -> Found:
    """Make and export their images with given filters instead of searched ones."""
    torch.load = lambda *_, **__: []  # a file on the authors' machine, for datasets of a hundred classes
    import create_ar_poisons_3channel as script
    from PIL import Image

    # the draws are ordered as ours: rows, columns, then images and channels
    size = SIDE + CUT
    starts = iter(Draws().normal((size, size, COUNT, 3)).permute(2, 3, 0, 1))

    def start(*_: Any, **__: Any) -> torch.Tensor:
        return next(starts).clone()

    pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2) / 255
    script.torch = SimpleNamespace(**vars(torch))
    import autoregressive

    autoregressive.torch = SimpleNamespace(**vars(torch) | {"randn": start})
    processes = [autoregressive.ARProcessPerturb3Channel(own) for own in filters()]
    made = script.perturb_with_ar_process(processes, pixels, labels(), 2, (size, size), CUT)
    folder = Path("made")
    folder.mkdir()
    script.export_poison(None, made, torch.arange(COUNT), path=folder)
    saved = [np.asarray(Image.open(folder / f"{number}.png")) for number in range(COUNT)]
    return {"images": np.stack(saved).transpose(0, 3, 1, 2)}


def ours(kind: str) -> Found:
    """Make our images with the same filters."""
    from ours import method, pixels

    from attacks.methods import ar_sandoval22

    ar_sandoval22.find_filters = lambda _: filters().permute(2, 3, 0, 1)
    noise = method("ar-sandoval22", weights=False)(kind)["noise"]
    return {"images": (pixels(kind).numpy().astype(np.int16) + noise).clip(0, 255)}


ROWS = (
    Row(
        name="ar-sandoval22",
        ran="create_ar_poisons_3channel.perturb_with_ar_process, export_poison",
        theirs=theirs,
        ours=ours,
        note="filters given; the search for them is not compared",
    ),
)
