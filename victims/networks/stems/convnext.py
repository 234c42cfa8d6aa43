"""ConvNeXt."""

from typing import TYPE_CHECKING

from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a ConvNeXt; at width `w` its stages have `w`, `2w`, `4w` and `8w` channels."""
    w = spec.width
    network = spec.make() if w is None else spec.make({"dims": (w, 2 * w, 4 * w, 8 * w)})
    if spec.small:
        # timm's `patch_size` does not work here: at 2 it also gives the first stage a stride
        unstride(network, channels=spec.channels, size=spec.size)
    return network


CONVNEXT = Stem(
    family="ConvNeXt",
    modules=("convnext",),
    examples=("convnext_atto-w8", "test_convnext", "test_convnext2"),
    policy="stem patch size 1 at 32 pixels and 2 at 64, so that the last map is 4x4",
    create=create,
    widths=True,
    version=2,
)
