"""How each family of networks takes small images: one file per family, and the table of them all."""

from typing import NamedTuple

from victims.stems.convnext import CONVNEXT
from victims.stems.densenet import DENSENET
from victims.stems.mlp_mixer import MLP_MIXER
from victims.stems.mobilenet import MOBILENET
from victims.stems.other import OTHER
from victims.stems.papers import PAPERS
from victims.stems.policy import Stem
from victims.stems.resnet import RESNET
from victims.stems.vgg import VGG
from victims.stems.vit import VIT

STEMS = (RESNET, VGG, DENSENET, MOBILENET, CONVNEXT, VIT, MLP_MIXER, PAPERS, OTHER)


class Family(NamedTuple):
    """One line of a listing of victims."""

    family: str
    examples: tuple[str, ...]
    policy: str
    widths: bool


def families() -> list[Family]:
    """Return every family, without importing torch or timm."""
    return [Family(stem.family, stem.examples, stem.policy, stem.widths) for stem in STEMS]


def stem_of(module: str) -> Stem:
    """Return the policy for a network by the module that registers it, timm's without `timm.models.`, e.g. `resnet`."""
    return next((stem for stem in STEMS if module in stem.modules), OTHER)
