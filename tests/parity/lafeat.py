"""Countermeasures, after lafeat/apbench (Qin et al., 2023)."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from common import Cause, Found, Row, images, labels

FOLDER = "."
WORDS = ("bdr", "grayscale", "jpeg")
ARGUMENTS = dict.fromkeys(("jpeg", "grayscale", "bdr", "gaussian", "cutout"), False)


def theirs(word: str) -> Callable[[str], Found]:
    """Return what applies one of the transforms of their training; those of SVHN have no random view."""

    def run(kind: str) -> Found:
        import util
        from PIL import Image

        transform = util.aug_train("svhn", args=SimpleNamespace(clean=False), **ARGUMENTS | {word: True})
        made = torch.stack([transform(Image.fromarray(image)) for image in images(kind)])
        return {"images": (made * 255).round().long().numpy()}

    return run


def ours(name: str) -> Callable[[str], Found]:
    """Return what prepares the images."""

    def run(kind: str) -> Found:
        from fshp971 import prepared

        return prepared(name)(kind)

    return run


def their_ueraser(kind: str) -> Found:
    """Return what their UEraser makes of the images before TrivialAugment, from a seed."""
    import kornia.augmentation
    from defense import ueraser

    kornia.augmentation.auto = SimpleNamespace(TrivialAugment=torch.nn.Identity)
    pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2) / 255
    return {"floats": seeded(lambda: ueraser.UEraser(pixels))}


def our_ueraser(kind: str) -> Found:
    """Return what ours does."""
    from ours import pixels

    from victims.countermeasures import ueraser

    return {"floats": seeded(lambda: ueraser._shaded(pixels(kind).double() / 255))}


def seeded(make: Callable[[], torch.Tensor]) -> Any:
    """Call from a seed, with torch's own random numbers."""
    with torch._C.DisableTorchFunction(), torch.no_grad():
        torch.manual_seed(6)
        return make().numpy()


ROWS = (
    Row(name="grayscale", ran="util.aug_train(grayscale)", theirs=theirs("grayscale"), ours=ours("grayscale")),
    Row(name="jpeg-10", ran="util.aug_train(jpeg)", theirs=theirs("jpeg"), ours=ours("jpeg-10")),
    Row(name="bit-depth-2", ran="util.aug_train(bdr)", theirs=theirs("bdr"), ours=ours("bit-depth-2")),
    Row(
        name="ueraser",
        ran="defense.ueraser.UEraser, without TrivialAugment",
        theirs=their_ueraser,
        ours=our_ueraser,
    ),
)
