"""Build a victim: a timm network with its family's stem policy, and normalisation as its first layer."""

import re
import warnings
from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from attacks.errors import RequestError, unknown
from victims.stems import stem_of
from victims.stems.policy import Ask, Stem

Init = Literal["torch", "timm"]


class Normalise(nn.Module):
    """`(x - mean) / std`, the same for all channels."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images of any shape."""
        return (images - self.mean) / self.std

    def extra_repr(self) -> str:
        """Show the two numbers."""
        return f"mean={self.mean}, std={self.std}"


def build(
    name: str,
    *,
    classes: int,
    channels: int,
    size: int,
    init: Init = "torch",
    mean: float = 0.5,
    std: float = 1.0,
    seed: int,
) -> nn.Module:
    """Build a victim on the CPU in fp32, in train mode, never pretrained.

    Dropout and stochastic depth are those that timm gives the name. The same seed gives the same weights; torch's
    global random state is left as it was.

    Args:
        name: timm's, with an optional width (`resnet18-w16`).
        classes: logits, `(N, classes)`.
        channels, size: of the images, floats in [0, 1] of shape `(N, channels, size, size)`.
        init: `torch` initialises ResNet, VGG and DenseNet as the papers' code does (PyTorch's defaults, and no
            BatchNorm at zero) and leaves other families to timm; `timm` leaves all to timm.
        mean, std: normalisation.
        seed: of the weights.

    Raises:
        RequestError: for an unknown name, or a width that its family does not take.
    """
    stem, ask = _resolve(name, classes=classes, channels=channels, size=size)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        network = stem.create(ask)
        if init == "torch" and stem.torch_init:
            _reset(network)
    return nn.Sequential(OrderedDict(normalise=Normalise(mean, std), network=network))


def check(name: str, *, size: int) -> None:
    """See that a victim exists and takes images of a size, by trying it on torch's meta device, which holds no numbers.

    Raises:
        RequestError: for an unknown name, a width that its family does not take, or a size that the network does not.
    """
    stem, ask = _resolve(name, classes=2, channels=3, size=size)
    refusal = _refusal(stem, ask, "meta")
    if "meta" in refusal:  # older timm reads numbers while it builds some networks
        refusal = _refusal(stem, ask, "cpu")
    if refusal:
        raise RequestError(
            f"victim {name!r} cannot be built for {size}x{size} images ({refusal}); "
            "see `python -m bench list victims` for names that can"
        )


def _refusal(stem: Stem, ask: Ask, device: str) -> str:
    """Return why a network cannot be built and run on one image, or nothing."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            torch.random.fork_rng(devices=[]),
            torch.device(device),
            torch.no_grad(),
        ):
            stem.create(ask).eval()(torch.zeros(1, ask.channels, ask.size, ask.size))
    except RequestError:
        raise
    except Exception as error:  # noqa: BLE001 - each network refuses a size in its own way
        return " ".join(str(error).split())[:120] or type(error).__name__
    return ""


def parse(name: str) -> tuple[str, int | None]:
    """Split a victim's name into timm's name and the width, if it has one: `resnet18-w16` is `("resnet18", 16)`."""
    match = re.fullmatch(r"(.+)-w([1-9]\d*)", name)
    return (match[1], int(match[2])) if match else (name, None)


def _resolve(name: str, *, classes: int, channels: int, size: int) -> tuple[Stem, Ask]:
    """Find the policy for a name, and what to ask of it."""
    import timm

    timm_name, width = parse(name)
    known = timm.list_models()
    if timm_name not in known:
        raise unknown("victim", timm_name, known)
    stem = stem_of(timm.model_entrypoint(timm_name).__module__.rpartition(".")[2])
    if width is not None and not stem.widths:
        raise RequestError(f"victim {name!r}: the {stem.family} family has no widths; write {timm_name}")
    return stem, Ask(name=timm_name, width=width, classes=classes, channels=channels, size=size)


def _reset(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            layer.reset_parameters()
