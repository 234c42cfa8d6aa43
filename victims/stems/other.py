"""Every other network of timm."""

from typing import TYPE_CHECKING

from victims.stems.policy import Ask, Stem
from victims.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(ask: Ask) -> "nn.Module":
    """Build a network that has no family of its own here."""
    import timm

    config = timm.get_pretrained_cfg(ask.name)
    fixed = config is not None and config.fixed_input_size
    network = ask.make({"img_size": ask.size} if fixed else {})
    if ask.small:
        unstride(network, channels=ask.channels, size=ask.size)
    return network


OTHER = Stem(
    family="any other of timm",
    modules=(),
    examples=("regnetx_002", "test_byobnet"),
    policy="first strides taken out until the last map is 4x4, where the network allows it",
    create=create,
)
