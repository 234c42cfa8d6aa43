"""The networks of the papers' code, which keep the stem and the initialisation that they have there."""

from importlib import import_module
from typing import TYPE_CHECKING

from victims.networks import NETWORKS
from victims.stems.policy import Ask, Stem

if TYPE_CHECKING:
    from torch import nn


def create(ask: Ask) -> "nn.Module":
    """Build one of them, the same at any size; the width is that of its first stage."""
    import_module(NETWORKS[ask.name])  # which registers it with timm
    return ask.make() if ask.width is None else ask.make({"width": ask.width})


PAPERS = Stem(
    family="of the papers' code",
    modules=tuple(NETWORKS.values()),
    examples=(*NETWORKS, *(f"{name}-w8" for name in NETWORKS)),
    policy="their own, at any size (32 pixels or more for VGG and DenseNet)",
    create=create,
    widths=True,
)
