"""Countermeasures, one file each, and the table of them all."""

from attacks.core.errors import unknown
from attacks.core.packages import with_packages
from victims.countermeasures.adversarial_noise import ADVERSARIAL_NOISE
from victims.countermeasures.bilateral import BILATERAL
from victims.countermeasures.bit_depth_2 import BIT_DEPTH_2
from victims.countermeasures.coin import COIN
from victims.countermeasures.cutmix import CUTMIX
from victims.countermeasures.cutmix_apbench import CUTMIX_APBENCH
from victims.countermeasures.cutout import CUTOUT
from victims.countermeasures.d_vae import D_VAE
from victims.countermeasures.gaussian_blur import GAUSSIAN_BLUR
from victims.countermeasures.grayscale import GRAYSCALE
from victims.countermeasures.grayscale_noise import GRAYSCALE_NOISE
from victims.countermeasures.jpeg import JPEG_10, JPEG_30, JPEG_50, JPEG_70
from victims.countermeasures.jpeg_grayscale import JPEG_GRAYSCALE
from victims.countermeasures.leaked_pairs import LEAKED_PAIRS
from victims.countermeasures.mean_3x3 import MEAN_3X3
from victims.countermeasures.median_3x3 import MEDIAN_3X3
from victims.countermeasures.mixup import MIXUP
from victims.countermeasures.orthogonal_projection import ORTHOGONAL_PROJECTION
from victims.countermeasures.rsk_ff import RSK_FF
from victims.countermeasures.spec import Countermeasure
from victims.countermeasures.standard import STANDARD
from victims.countermeasures.ueraser import (
    UERASER,
    UERASER_MAX,
    UERASER_MAX_APBENCH,
    UERASER_MAX_APBENCH_IMAGENET,
    UERASER_MAX_APBENCH_JPEG,
    UERASER_PLAIN,
)

COUNTERMEASURES = {
    known.name: known
    for known in (
        STANDARD,
        CUTOUT,
        CUTMIX,
        CUTMIX_APBENCH,
        MIXUP,
        GAUSSIAN_BLUR,
        MEAN_3X3,
        MEDIAN_3X3,
        BILATERAL,
        GRAYSCALE,
        GRAYSCALE_NOISE,
        JPEG_10,
        JPEG_30,
        JPEG_50,
        JPEG_70,
        JPEG_GRAYSCALE,
        BIT_DEPTH_2,
        COIN,
        RSK_FF,
        UERASER,
        UERASER_PLAIN,
        UERASER_MAX,
        UERASER_MAX_APBENCH,
        UERASER_MAX_APBENCH_JPEG,
        UERASER_MAX_APBENCH_IMAGENET,
        ORTHOGONAL_PROJECTION,
        ADVERSARIAL_NOISE,
        D_VAE,
        LEAKED_PAIRS,
    )
}
ENTRY_POINTS = "unlearnable_bench.countermeasures"


def countermeasures() -> dict[str, Countermeasure]:
    """Return every countermeasure by name: ours, then those of installed packages.

    Raises:
        RequestError: if a package's entry point is not a countermeasure, or has a name that is taken.
    """
    return with_packages(COUNTERMEASURES, group=ENTRY_POINTS, kind="countermeasure", expected=Countermeasure)


def countermeasure(name: str) -> Countermeasure:
    """Return a countermeasure by its name.

    Raises:
        RequestError: for an unknown name, with the nearest valid one.
    """
    known = countermeasures()
    if name not in known:
        raise unknown("countermeasure", name, known)
    return known[name]
