"""ResNet and what timm builds from it: wide ResNet, ResNeXt, SE-ResNet, ResNets with deep stems."""

from typing import TYPE_CHECKING, Any

from victims.networks.stems.policy import BuildSpec, Stem, half

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a ResNet; at width `w` its stages have `w`, `2w`, `4w` and `8w` channels and its stem `w`."""
    network: Any = spec.make() if spec.width is None else _at_width(spec, spec.width)
    if spec.small:
        _keep_size(network)
    return network  # type: ignore[no-any-return]


def _at_width(spec: BuildSpec, width: int) -> "nn.Module":
    from torch import nn

    arguments = {"channels": (width, 2 * width, 4 * width, 8 * width), "stem_width": half(spec.name, width)}
    network: Any = spec.make(arguments)
    if network.bn1.num_features != width:
        # timm fixes the plain stem at 64 channels, but not the deep one: build that and restore the plain convolution
        network = spec.make({**arguments, "stem_type": "deep"})
        network.conv1 = nn.Conv2d(spec.channels, width, 7, stride=2, padding=3, bias=False)
        _timm_init(network.conv1)
    return network  # type: ignore[no-any-return]


def _keep_size(network: Any) -> None:
    """Remove the downsampling from the stem: the CIFAR stem, or a deep one at stride 1, and no pooling."""
    from torch import nn

    old = network.conv1
    if isinstance(old, nn.Sequential):
        network.conv1[0].stride = (1, 1)
    else:
        network.conv1 = nn.Conv2d(old.in_channels, old.out_channels, 3, stride=1, padding=1, bias=False)
        _timm_init(network.conv1)
    learned_pool = isinstance(network.maxpool, nn.Sequential) and isinstance(network.maxpool[0], nn.Conv2d)
    if learned_pool:
        network.maxpool[0].stride = (1, 1)
    else:
        network.maxpool = nn.Identity()


def _timm_init(conv: "nn.Conv2d") -> None:
    """Initialise a new convolution as timm does the others of a ResNet."""
    from torch import nn

    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")


RESNET = Stem(
    family="ResNet",
    modules=("resnet",),
    examples=("resnet18", "resnet18-w8", "resnet50", "wide_resnet50_2", "resnet26d", "test_resnet"),
    policy="3x3 stride-1 first convolution and no max-pool; deep stems at stride 1",
    create=create,
    widths=True,
    by_protocol=True,
)
