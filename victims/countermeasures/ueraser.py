"""UEraser: strong random changes of brightness, contrast, channels and shape in each training image.

Qin et al., "Learning the Unlearnable: Adversarial Augmentations Suppress Unlearnable Example Attacks", 2023, with
kornia and the numbers of the released code: plasma brightness, plasma contrast and channel shuffle, each with
probability 1/2, then TrivialAugment. Each step draws once per image, which is the paper's UEraser-Lite; UEraser and
UEraser-max, which learn from the worst of five draws, are not this one, and their published figures not comparable.
Different from the released code: TrivialAugment's operation is drawn per image, where kornia draws one for the batch.

APBench's code has stronger policies under the same names, and its figures, all of UEraser-max, are theirs: brightness
and contrast with probability 1 (here `ueraser-max-apbench` among published cells); with probability 0.8 after JPEG of a
random quality against TAP and AR (`ueraser-max-apbench-jpeg`); and on ImageNet with probability 1 after such JPEG, with
brightness of intensity 0.3 to 1 and contrast of roughness 0.1 to 0.7 (`ueraser-max-apbench-imagenet`).
"""

from typing import TYPE_CHECKING

from victims.countermeasures.spec import Countermeasure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ROUGHNESS = (0.3, 0.7)
INTENSITY = (0.5, 1.0)


def distort(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Distort each image (n, C, H, W); kornia's draws come from a seed that the generator gives."""
    import torch

    device = generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=device))
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        return _trivially_augmented(_shaded(images))


def _shaded(images: "Tensor") -> "Tensor":
    from kornia.augmentation import RandomChannelShuffle, RandomPlasmaBrightness, RandomPlasmaContrast

    bright = RandomPlasmaBrightness(roughness=ROUGHNESS, intensity=INTENSITY, p=0.5)(images)
    contrasted = RandomPlasmaContrast(roughness=ROUGHNESS, p=0.5)(bright)
    shuffled: Tensor = RandomChannelShuffle(p=0.5)(contrasted)
    return shuffled


def _trivially_augmented(images: "Tensor") -> "Tensor":
    """Change each image by one operation of kornia's TrivialAugment, drawn per image."""
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


UERASER = Countermeasure(
    name="ueraser",
    title="UEraser-Lite: plasma brightness and contrast, channel shuffle, TrivialAugment",
    source="Qin et al., 2023",
    augment=distort,
)
