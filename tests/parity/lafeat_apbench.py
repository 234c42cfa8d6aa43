"""Countermeasures as in APBench, after lafeat/apbench."""

from collections.abc import Callable
from types import SimpleNamespace

import lafeat_ueraser
import torch
from common import Cause, Found, Row, images

FOLDER = "."
ARGUMENTS = dict.fromkeys(("jpeg", "grayscale", "bdr", "gaussian", "cutout"), False)


def theirs(word: str) -> Callable[[str], Found]:
    """Return a function that applies one of their training transforms; those of SVHN have no random view."""

    def run(kind: str) -> Found:
        import util
        from PIL import Image

        transform = util.aug_train("svhn", args=SimpleNamespace(clean=False), **ARGUMENTS | {word: True})
        made = torch.stack([transform(Image.fromarray(image)) for image in images(kind)])
        return {"images": (made * 255).round().long().numpy()}

    return run


def ours(name: str) -> Callable[[str], Found]:
    """Return a function that prepares the images with our countermeasure."""

    def run(kind: str) -> Found:
        from fshp971 import prepared

        return prepared(name)(kind)

    return run


def their_ueraser(kind: str) -> Found:
    """Return the images as their UEraser changes them."""
    return lafeat_ueraser.theirs(kind, "defense.ueraser")


ROWS = (
    Row(name="grayscale", ran="util.aug_train(grayscale)", theirs=theirs("grayscale"), ours=ours("grayscale")),
    Row(name="jpeg-10", ran="util.aug_train(jpeg)", theirs=theirs("jpeg"), ours=ours("jpeg-10")),
    Row(name="bit-depth-2", ran="util.aug_train(bdr)", theirs=theirs("bdr"), ours=ours("bit-depth-2")),
    Row(
        name="ueraser",
        ran="defense.ueraser.UEraser",
        theirs=their_ueraser,
        ours=lafeat_ueraser.ours,
        note="without TrivialAugment",
        causes={
            "": Cause(
                why="brightness and contrast with probability 1 there, 1/2 in ours and in lafeat/ueraser", floats=1
            )
        },
    ),
)
