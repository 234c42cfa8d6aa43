"""MobileNet and EfficientNet, which timm builds from the same blocks."""

from typing import TYPE_CHECKING

from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.stems.unstride import unstride

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a MobileNet or EfficientNet; timm's names fix their widths (`mobilenetv2_050`)."""
    network = spec.make()
    if spec.small:
        unstride(network, channels=spec.channels, size=spec.size)
    return network


MOBILENET = Stem(
    family="MobileNet and EfficientNet",
    modules=("mobilenetv3", "efficientnet"),
    examples=("mobilenetv2_050", "mobilenetv3_small_050", "efficientnet_b0", "tf_efficientnet_b0", "test_efficientnet"),
    policy="first strides removed until the last map is 4x4",
    create=create,
)
