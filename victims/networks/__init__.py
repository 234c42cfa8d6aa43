"""Networks that timm lacks: one file each, registered with timm when it is imported, and the table of them all.

Those of the papers are of the code that came with REM (Fu et al., ICLR 2022), folder `models` of
github.com/fshp971/robust-unlearnable-examples at adf2060; the released code of SEM (Liu et al., AAAI 2024) and of CUDA
(Sadasivan et al., CVPR 2023) holds the same three files, byte for byte. Its ResNet-18 and ResNet-50 are timm's
`resnet18` and `resnet50` with the stem of small images and PyTorch's initialisation; the networks here are not timm's.
"""

from collections.abc import Mapping

NETWORKS: Mapping[str, str] = {
    "vgg16_bn_fu22": "victims.networks.vgg",
    "densenet121_fu22": "victims.networks.densenet",
    "wrn34_10_fu22": "victims.networks.wide_resnet",
}
"""The module that registers each network, by its name."""
