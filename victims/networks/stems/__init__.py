"""How each family of networks handles small images: one file per family, and the table of them all."""

from victims.networks.stems.convnext import CONVNEXT
from victims.networks.stems.densenet import DENSENET
from victims.networks.stems.mlp_mixer import MLP_MIXER
from victims.networks.stems.mobilenet import MOBILENET
from victims.networks.stems.other import OTHER
from victims.networks.stems.papers import PAPERS
from victims.networks.stems.policy import Stem
from victims.networks.stems.resnet import RESNET
from victims.networks.stems.vgg import VGG
from victims.networks.stems.vit import VIT

STEMS = (RESNET, VGG, DENSENET, MOBILENET, CONVNEXT, VIT, MLP_MIXER, PAPERS, OTHER)


def stem_of(module: str) -> Stem:
    """Return the policy for the networks of a module; timm's modules are named without `timm.models.`: `resnet`."""
    return next((stem for stem in STEMS if module in stem.modules), OTHER)
