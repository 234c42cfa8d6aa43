"""MobileNet and EfficientNet, which timm builds from the same blocks."""

from typing import TYPE_CHECKING

from victims.stems.policy import Ask, Stem
from victims.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(ask: Ask) -> "nn.Module":
    """Build a MobileNet or EfficientNet; timm's names fix their widths (`mobilenetv2_050`)."""
    network = ask.make()
    if ask.small:
        unstride(network, channels=ask.channels, size=ask.size)
    return network


MOBILENET = Stem(
    family="MobileNet and EfficientNet",
    modules=("mobilenetv3", "efficientnet"),
    examples=("mobilenetv2_050", "mobilenetv3_small_050", "efficientnet_b0", "tf_efficientnet_b0", "test_efficientnet"),
    policy="first strides taken out until the last map is 4x4",
    create=create,
)
