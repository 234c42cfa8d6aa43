"""Every other timm network."""

from typing import TYPE_CHECKING

from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a network of any other family."""
    import timm

    config = timm.get_pretrained_cfg(spec.name)
    fixed = config is not None and config.fixed_input_size
    network = spec.make({"img_size": spec.size} if fixed else {})
    if spec.small:
        unstride(network, channels=spec.channels, size=spec.size)
    return network


OTHER = Stem(
    family="any other timm network",
    modules=(),
    examples=("regnetx_002", "test_byobnet"),
    policy="first strides removed until the last map is 4x4, if the network allows it",
    create=create,
    version=2,
)
