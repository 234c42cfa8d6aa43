"""VGG in the form used for CIFAR: global average pooling and one linear layer."""

from typing import TYPE_CHECKING, Any

from victims.networks.stems.policy import BuildSpec, Stem

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a VGG; for small images, without its three-layer head of 4096 units."""
    if not spec.small:
        return spec.make()
    from timm.layers.classifier import ClassifierHead
    from torch import nn

    # the head is replaced below: at one unit wide, its hundred million weights are never drawn
    network: Any = spec.make({"mlp_ratio": 1 / 4096})
    network.pre_logits = nn.Identity()
    network.head = ClassifierHead(network.num_features, spec.classes, drop_rate=network.drop_rate)
    network.head_hidden_size = network.num_features
    for layer in network.features:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True  # no change at multiples of 32; below 32, a map is left after five poolings
    return network  # type: ignore[no-any-return]


VGG = Stem(
    family="VGG",
    modules=("vgg",),
    examples=("vgg16_bn", "vgg11_bn", "vgg11"),
    policy="global average pooling and one linear layer in place of the 4096-wide head",
    create=create,
    by_protocol=True,
)
