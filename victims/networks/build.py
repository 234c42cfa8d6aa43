"""Build a victim: a timm network with its family's stem policy, and normalisation as its first layer."""

import warnings
from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from attacks.core.errors import RequestError
from attacks.core.settings import Mean, Std, Stems
from victims.networks.names import find
from victims.networks.stems.policy import SMALL, BuildSpec, Stem

Init = Literal["torch", "timm"]


class Normalise(nn.Module):
    """`(x - mean) / std`; both one number for all channels, or one for each."""

    def __init__(self, mean: Mean, std: Std) -> None:
        super().__init__()
        self.mean: float | Tensor
        self.std: float | Tensor
        self._shown = f"mean={mean}, std={std}"
        for name, value in (("mean", mean), ("std", std)):
            if isinstance(value, tuple):  # no part of the weights, but moved with them
                self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)
            else:
                setattr(self, name, value)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images (n, C, H, W)."""
        return (images - self.mean) / self.std

    def extra_repr(self) -> str:
        """Show the numbers."""
        return self._shown


def build(
    name: str,
    *,
    classes: int,
    channels: int,
    size: int,
    stem: Stems = "by-size",
    init: Init = "torch",
    mean: Mean = 0.5,
    std: Std = 1.0,
    seed: int,
) -> nn.Module:
    """Build a victim on the CPU in fp32, in train mode, never pretrained.

    Dropout and stochastic depth are those that timm gives the name. The same seed gives the same weights; torch's
    global random state is left as it was.

    Args:
        name: timm's, with an optional width (`resnet18-w16`).
        classes: logits, `(N, classes)`.
        channels, size: of the images, floats in [0, 1] of shape `(N, channels, size, size)`.
        stem: `by-size` takes timm's own stem for images of 96 pixels or more; `small` gives ResNet, VGG and DenseNet
            that of small images there too, as the papers' code does with its ResNets.
        init: `torch` initialises ResNet, VGG and DenseNet by PyTorch's defaults, with no BatchNorm at zero, as the
            papers' code does its ResNets (but not its VGG and DenseNet), and leaves other families to timm; `timm`
            leaves all to timm. The networks of the papers' code (`vgg16_bn_fu22`) keep their stem and initialisation
            whatever these two say.
        mean, std: normalisation, one number or one per channel.
        seed: of the weights.

    Raises:
        RequestError: for an unknown name, a width that its family does not take, or a normalisation of other channels.
    """
    _check_normalisation(mean, std, channels)
    policy, spec = _resolve(name, classes=classes, channels=channels, size=size, stem=stem)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        network = policy.create(spec)
        if init == "torch" and policy.by_protocol:
            _reset(network)
    return nn.Sequential(OrderedDict(normalise=Normalise(mean, std), network=network))


def _check_normalisation(mean: Mean, std: Std, channels: int) -> None:
    for key, value in (("mean", mean), ("std", std)):
        if isinstance(value, tuple) and len(value) != channels:
            raise RequestError(
                f"setup.{key} has {len(value)} numbers, but the images have {channels} channels; "
                f"give one number, or {channels}"
            )


def check(
    name: str, *, size: int, channels: int = 3, stem: Stems = "by-size", mean: Mean = 0.5, std: Std = 1.0
) -> None:
    """See that a victim exists and takes such images, by trying it on torch's meta device, which holds no numbers.

    Args:
        name, size, channels, stem, mean, std: as for `build`.

    Raises:
        RequestError: for an unknown name, a width that its family does not take, a size that the network does not, or
            a normalisation of other channels.
    """
    _check_normalisation(mean, std, channels)
    policy, spec = _resolve(name, classes=2, channels=channels, size=size, stem=stem)
    refusal = _refusal(policy, spec, "meta")
    if "meta" in refusal:  # older timm reads numbers while it builds some networks
        refusal = _refusal(policy, spec, "cpu")
    if refusal:
        raise RequestError(
            f"victim {name!r} cannot be built for {size}x{size} images ({refusal}); "
            "see `python -m bench list victims` for suitable names"
        )


def _refusal(policy: Stem, spec: BuildSpec, device: str) -> str:
    """Return why a network cannot be built and run on one image, or nothing."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            torch.random.fork_rng(devices=[]),
            torch.device(device),
            torch.no_grad(),
        ):
            policy.create(spec).eval()(torch.zeros(1, spec.channels, spec.size, spec.size))
    except RequestError:
        raise
    except Exception as error:  # noqa: BLE001 - each network refuses a size in its own way
        return " ".join(str(error).split())[:120] or type(error).__name__
    return ""


def _resolve(name: str, *, classes: int, channels: int, size: int, stem: Stems) -> tuple[Stem, BuildSpec]:
    """Find the policy for a name, and what it is to build."""
    found = find(name)
    small = size < SMALL or (stem == "small" and found.policy.by_protocol)
    spec = BuildSpec(name=found.timm, width=found.width, classes=classes, channels=channels, size=size, small=small)
    return found.policy, spec


def _reset(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            layer.reset_parameters()
