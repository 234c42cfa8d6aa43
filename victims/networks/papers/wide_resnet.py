"""WRN-34-10, as in the papers' code.

It has the depth and the widths of a Wide ResNet (Zagoruyko and Komodakis, BMVC 2016) but the blocks of a ResNet:
BatchNorm and ReLU follow the convolutions, while in a Wide ResNet they precede them. A 3x3 stem of 16 channels is
followed by three stages of five blocks with 160, 320 and 640 channels; all layers have PyTorch's default
initialisation. timm's `wide_resnet50_2` is a different network.
"""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.resnet import BasicBlock, downsample_conv
from torch import nn

from victims.networks.papers.classifier import Classifier

_STEM = 16
_BLOCKS = 5

default_cfgs = generate_default_cfgs({"wrn34_10_fu22": {}})


class WideResNet(Classifier):
    """A wide ResNet whose stages have `width`, `2 width` and `4 width` channels."""

    def __init__(self, *, num_classes: int = 10, in_chans: int = 3, width: int = 160) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(in_chans, _STEM, 3, padding=1, bias=False),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
        ]
        channels = _STEM
        for stage, stride in enumerate((1, 2, 2)):
            for block in range(_BLOCKS):
                layers.append(_block(channels, width << stage, stride if block == 0 else 1))
                channels = width << stage
        super().__init__(nn.Sequential(*layers), num_features=channels, num_classes=num_classes, in_chans=in_chans)


def _block(before: int, after: int, stride: int) -> nn.Module:
    shortcut = downsample_conv(before, after, 1, stride) if (before, stride) != (after, 1) else None
    block: nn.Module = BasicBlock(before, after, stride, shortcut)
    return block


@register_model
def wrn34_10_fu22(pretrained: bool = False, **arguments: Any) -> nn.Module:
    """Build the network; at width `w` its stages have `w`, `2w` and `4w` channels, and its stem 16 at any width."""
    return build_model_with_cfg(WideResNet, "wrn34_10_fu22", pretrained, **arguments)
