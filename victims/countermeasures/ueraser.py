"""UEraser: strong random changes of brightness, contrast, channels and shape in each training image.

Qin et al., "Learning the Unlearnable: Adversarial Augmentations Suppress Unlearnable Example Attacks", 2023, with
kornia and the hyperparameters of the released code: plasma brightness, plasma contrast and channel shuffle, each with
probability 1/2, then TrivialAugment. `ueraser`, the paper's UEraser-Lite, draws once per image and step. `ueraser-max`
draws five times per step and learns from the largest loss of each image; BatchNorm sees all five draws as one batch.
`ueraser-plain`, the paper's UEraser, does so in the first 60 of 200 epochs (its README; other scripts have 50), here in
the first 30% of the steps, and draws once after that.

APBench's code has stronger policies under the same names, on which its results, all for UEraser-max, are based:
brightness and contrast with probability 1 (`ueraser-max-apbench`); with probability 0.8 after JPEG of a random quality,
against TAP and AR (`ueraser-max-apbench-jpeg`); and on ImageNet with probability 1 after such JPEG, with a brightness
intensity of 0.3 to 1 and a contrast roughness of 0.1 to 0.7 (`ueraser-max-apbench-imagenet`).

Differences from the released codebases: TrivialAugment's operation is drawn per image, where kornia draws one per
batch; the JPEG quality is drawn per image too, and each image is compressed by itself; and the five draws pass through
the network together, in APBench one at a time.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.jpeg import compress
from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DRAWS = 5
EARLY = 60 / 200  # of the steps
QUALITIES = (10, 99)
ROUGHNESS = (0.3, 0.7)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How an image is distorted before TrivialAugment.

    Attributes:
        chance: the probability of plasma brightness, and of plasma contrast.
        intensity: the range of the intensity of plasma brightness.
        roughness: the range of the roughness of plasma contrast; that of brightness is 0.3 to 0.7.
        jpeg: whether images are first compressed as JPEG of random quality.
    """

    chance: float = 0.5
    intensity: tuple[float, float] = (0.5, 1.0)
    roughness: tuple[float, float] = ROUGHNESS
    jpeg: bool = False


def distort(policy: Policy, images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Distort each image (n, C, H, W); kornia's draws are seeded from the generator."""
    import torch

    device = generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=device))
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        seen = _compressed(images) if policy.jpeg else images
        return _trivially_augmented(_shaded(policy, seen))


def _compressed(images: "Tensor") -> "Tensor":
    import torch

    levels = (255 * images).round().to(torch.uint8)
    low, high = QUALITIES
    return compress(levels, torch.randint(low, high + 1, (len(images),)).tolist()).to(images.dtype) / 255


def _shaded(policy: Policy, images: "Tensor") -> "Tensor":
    from kornia.augmentation import RandomChannelShuffle, RandomPlasmaBrightness, RandomPlasmaContrast

    bright = RandomPlasmaBrightness(roughness=ROUGHNESS, intensity=policy.intensity, p=policy.chance)(images)
    contrasted = RandomPlasmaContrast(roughness=policy.roughness, p=policy.chance)(bright)
    shuffled: Tensor = RandomChannelShuffle(p=0.5)(contrasted)
    return shuffled


def _trivially_augmented(images: "Tensor") -> "Tensor":
    """Change each image by an operation of kornia's TrivialAugment, drawn per image."""
    import torch
    from kornia.augmentation.auto import TrivialAugment
    from kornia.augmentation.auto.trivial_augment.trivial_augment import default_policy

    changed = images.clone()
    choice = torch.randint(len(default_policy), (len(images),)).to(images.device)
    for number, operation in enumerate(default_policy):
        chosen = (choice == number).nonzero()[:, 0]
        if len(chosen):
            changed[chosen] = TrivialAugment(policy=[operation])(images[chosen])
    return changed


def largest_loss(losses: "Tensor") -> "Tensor":
    """Return the largest loss of each image, from losses (draws, n)."""
    return losses.amax(0)


def _max(name: str, title: str, paper: Paper, source: str, policy: Policy) -> Countermeasure:
    return Countermeasure(
        name=name,
        title=title,
        paper=paper,
        source=source,
        augment=partial(distort, policy),
        draws=DRAWS,
        loss=largest_loss,
    )


QIN23 = Paper(
    key="qin2023learning",
    title="Learning the Unlearnable: Adversarial Augmentations Suppress Unlearnable Example Attacks",
    authors=("Tianrui Qin", "Xitong Gao", "Juanjuan Zhao", "Kejiang Ye", "Cheng-Zhong Xu"),
    year=2023,
    venue="arXiv preprint",
    identifier="arXiv:2303.15127",
    code="lafeat/ueraser",
    kind="misc",
)

QIN23_APBENCH = replace(  # by the same authors, in the same year
    QIN23,
    key="qin2023apbench",
    title="APBench: A Unified Benchmark for Availability Poisoning Attacks and Defenses",
    identifier="arXiv:2308.03258",
    code="lafeat/apbench",
)

UERASER = Countermeasure(
    name="ueraser",
    title="UEraser-Lite: plasma brightness and contrast, channel shuffle, TrivialAugment",
    paper=QIN23,
    source="Qin et al., 2023",
    augment=partial(distort, Policy()),
)
UERASER_PLAIN = replace(
    _max(
        "ueraser-plain",
        "UEraser: as UEraser-max in the first 30% of the steps, then UEraser-Lite",
        QIN23,
        "Qin et al., 2023",
        Policy(),
    ),
    early=EARLY,
)
UERASER_MAX = _max(
    "ueraser-max", "UEraser-max: the largest loss of five draws of UEraser-Lite", QIN23, "Qin et al., 2023", Policy()
)
UERASER_MAX_APBENCH = _max(
    "ueraser-max-apbench",
    "UEraser-max, brightness and contrast always changed",
    QIN23_APBENCH,
    "APBench, Qin et al., 2023",
    Policy(chance=1.0),
)
UERASER_MAX_APBENCH_JPEG = _max(
    "ueraser-max-apbench-jpeg",
    "UEraser-max after JPEG of random quality, brightness and contrast changed with probability 0.8",
    QIN23_APBENCH,
    "APBench, Qin et al., 2023, against TAP and AR",
    Policy(chance=0.8, jpeg=True),
)
UERASER_MAX_APBENCH_IMAGENET = _max(
    "ueraser-max-apbench-imagenet",
    "UEraser-max after JPEG of random quality, brightness and contrast always changed, over wider ranges",
    QIN23_APBENCH,
    "APBench, Qin et al., 2023, on ImageNet",
    Policy(chance=1.0, intensity=(0.3, 1.0), roughness=(0.1, 0.7), jpeg=True),
)
