"""VGG-16 with BatchNorm, as in the papers' code.

Thirteen convolutions with biases, average pooling, and a head with two hidden layers of 512 units, each after dropout
of 0.5. Convolutions are initialised from N(0, 2 / (9 * channels out)), their biases as zero, and linear layers as in
PyTorch. Images of less than 32 pixels are too small. timm's `vgg16_bn` has one linear layer for small images and
4096-wide ones for others.
"""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

from victims.networks.papers.classifier import Classifier

_STAGES = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))  # multiples of the width; max-pooling follows each stage

default_cfgs = generate_default_cfgs({"vgg16_bn_fu22": {}})


class Vgg(Classifier):
    """A VGG of `width`, `2 width`, `4 width` and twice `8 width` channels."""

    def __init__(self, *, num_classes: int = 10, in_chans: int = 3, width: int = 64) -> None:
        layers: list[nn.Module] = []
        channels = in_chans
        for stage in _STAGES:
            for factor in stage:
                convolution = nn.Conv2d(channels, factor * width, 3, padding=1)
                layers += [convolution, nn.BatchNorm2d(factor * width), nn.ReLU(inplace=True)]
                channels = factor * width
            layers.append(nn.MaxPool2d(2))
        super().__init__(
            nn.Sequential(*layers),
            num_features=channels,
            num_classes=num_classes,
            in_chans=in_chans,
            hidden=nn.Sequential(*_hidden(channels), *_hidden(channels)),
        )
        for layer in self.features.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)


def _hidden(width: int) -> tuple[nn.Module, ...]:
    return nn.Dropout(), nn.Linear(width, width), nn.ReLU(inplace=True)


@register_model
def vgg16_bn_fu22(pretrained: bool = False, **arguments: Any) -> nn.Module:
    """Build it; at width `w` its stages have `w`, `2w`, `4w`, `8w` and `8w` channels and its head `8w` units."""
    return build_model_with_cfg(Vgg, "vgg16_bn_fu22", pretrained, **arguments)
