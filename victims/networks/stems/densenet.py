"""DenseNet with the stem used for CIFAR."""

from typing import TYPE_CHECKING, Any

from victims.networks.stems.policy import BuildSpec, Stem, half

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a DenseNet; at width `w` its stem has `w` channels and its growth rate is `w / 2`."""
    network: Any = spec.make() if spec.width is None else spec.make({"growth_rate": half(spec.name, spec.width)})
    if spec.small:
        from torch import nn

        old = network.features.conv0
        conv0 = nn.Conv2d(old.in_channels, old.out_channels, 3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(conv0.weight)  # as timm initialises the other convolutions of a DenseNet
        network.features.conv0 = conv0
        network.features.pool0 = nn.Identity()
    return network  # type: ignore[no-any-return]


DENSENET = Stem(
    family="DenseNet",
    modules=("densenet",),
    examples=("densenet121", "densenet121-w8"),
    policy="3x3 stride-1 first convolution and no pooling in the stem",
    create=create,
    widths=True,
    by_protocol=True,
)
