"""Networks that timm lacks: one file each, which registers it with timm when imported, and the table of them all.

The papers' networks are from the code released with REM (Fu et al., ICLR 2022), folder `models` of
github.com/fshp971/robust-unlearnable-examples at adf2060; the released code of SEM (Liu et al., AAAI 2024) and of CUDA
(Sadasivan et al., CVPR 2023) contains the same three files, byte for byte. The ResNet-18 and ResNet-50 of that code are
timm's `resnet18` and `resnet50` with the small-image stem and PyTorch's initialisation; the networks here are not
timm's.
"""

from collections.abc import Mapping

NETWORKS: Mapping[str, str] = {
    "vgg16_bn_fu22": "victims.networks.papers.vgg",
    "densenet121_fu22": "victims.networks.papers.densenet",
    "wrn34_10_fu22": "victims.networks.papers.wide_resnet",
}
"""The module that registers each network, by the network's name."""
