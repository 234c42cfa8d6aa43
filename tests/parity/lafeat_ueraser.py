"""UEraser, after lafeat/ueraser (Qin et al., 2023)."""

import importlib
from collections.abc import Callable
from functools import partial

import torch
from common import Found, Row, images

FOLDER = "."


def seeded(kind: str, make: Callable[[torch.Tensor], torch.Tensor]) -> Found:
    """Change the images (n, C, H, W) in [0, 1] with torch's own random numbers from a seed, drawn in float64."""
    pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2).double() / 255
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with torch._C.DisableTorchFunction(), torch.no_grad():
        torch.manual_seed(6)
        made = make(pixels)
    torch.set_default_dtype(before)
    return {"images": made.numpy()}


def theirs(kind: str, module: str = "ueraser") -> Found:
    """Change the images as they do, without TrivialAugment, whose operation they draw per batch and we per image."""
    import kornia.augmentation

    kornia.augmentation.auto.TrivialAugment = torch.nn.Identity
    kornia.augmentation.AugmentationSequential = torch.nn.Sequential  # draws in the same order as ours
    # imported while no function is replaced, since kornia keeps numbers as float32
    return seeded(kind, lambda pixels: importlib.import_module(module).UEraser(pixels))


def ours(kind: str) -> Found:
    """Change the images as we do, likewise without TrivialAugment."""
    from victims.countermeasures import ueraser

    return seeded(kind, partial(ueraser._shaded, ueraser.Policy()))


ROWS = (Row(name="ueraser", ran="ueraser.UEraser", theirs=theirs, ours=ours, note="without TrivialAugment"),)
