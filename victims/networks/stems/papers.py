"""The networks of the papers' code, with the stem and the initialisation that they have there."""

from importlib import import_module
from typing import TYPE_CHECKING

from victims.networks.papers import NETWORKS
from victims.networks.stems.policy import BuildSpec, Stem

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build one of these networks, the same at any image size; the width is that of its first stage."""
    import_module(NETWORKS[spec.name])  # registers it with timm
    return spec.make() if spec.width is None else spec.make({"width": spec.width})


PAPERS = Stem(
    family="from the papers' code",
    modules=tuple(NETWORKS.values()),
    examples=(*NETWORKS, *(f"{name}-w8" for name in NETWORKS)),
    policy="unchanged at any size (at least 32 pixels for VGG and DenseNet)",
    create=create,
    widths=True,
)
