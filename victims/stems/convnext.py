"""ConvNeXt."""

from typing import TYPE_CHECKING

from victims.stems.policy import Ask, Stem
from victims.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(ask: Ask) -> "nn.Module":
    """Build a ConvNeXt; at width `w` its stages have `w`, `2w`, `4w` and `8w` channels."""
    w = ask.width
    network = ask.make() if w is None else ask.make({"dims": (w, 2 * w, 4 * w, 8 * w)})
    if ask.small:
        # timm's `patch_size` would not do: at 2 it also makes the first stage stride
        unstride(network, channels=ask.channels, size=ask.size)
    return network


CONVNEXT = Stem(
    family="ConvNeXt",
    modules=("convnext",),
    examples=("convnext_atto-w8", "test_convnext", "test_convnext2"),
    policy="stem patches of 1 at 32 pixels and 2 at 64, so that the last map is 4x4",
    create=create,
    widths=True,
)
