"""DenseNet-121, as in the papers' code: torchvision's, with its 7x7 stride-2 stem and pooling for small images too.

Convolutions are initialised from N(0, 2 / fan in), the bias of the last layer as zero. At 32 pixels the four blocks see
maps of side 8, 4, 2 and 1. timm's `densenet121` is the same network if it keeps its stem.
"""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.densenet import DenseNet
from torch import nn

from victims.networks.stems.policy import half

default_cfgs = generate_default_cfgs({"densenet121_fu22": {}})


@register_model
def densenet121_fu22(pretrained: bool = False, width: int = 64, **arguments: Any) -> nn.Module:
    """Build the network; at width `w` its stem has `w` channels and its growth rate is `w / 2`.

    Raises:
        RequestError: for an odd width.
    """
    growth = half("densenet121_fu22", width)
    return build_model_with_cfg(DenseNet, "densenet121_fu22", pretrained, growth_rate=growth, **arguments)
