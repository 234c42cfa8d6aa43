"""Build a victim: a timm network with its family's stem policy, and normalisation as its first layer."""

import textwrap
import warnings
from collections import OrderedDict
from dataclasses import replace
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.errors import RequestError, several
from attacks.core.settings import Mean, Std, Stems
from attacks.engine.views import resizing_matrices
from victims.networks.names import VictimName, parse_victim
from victims.networks.stems.policy import SMALL, BuildSpec, Stem

Init = Literal["torch", "timm"]
RGB = 3


class Normalise(nn.Module):
    """`(x - mean) / std`, each one number for all channels or one per channel."""

    def __init__(self, mean: Mean, std: Std) -> None:
        super().__init__()
        self.mean: float | Tensor
        self.std: float | Tensor
        self._shown = f"mean={mean}, std={std}"
        for name, value in (("mean", mean), ("std", std)):
            if isinstance(value, tuple):  # not among the weights, but moved with them
                self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)
            else:
                setattr(self, name, value)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images (n, C, H, W)."""
        return (images - self.mean) / self.std

    def extra_repr(self) -> str:
        """Show the numbers."""
        return self._shown


class ResizeLayer(nn.Module):
    """Resize images (n, C, H, W) bilinearly to a side, antialiased if that is smaller; repeat a single channel."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        """Return images (n, 3, side, side); those that already have that side are not resampled."""
        if images.shape[-1] != self.side:
            images = (_interpolated if images.device.type == "cpu" else _multiplied)(images, self.side)
        return images.expand(-1, RGB, -1, -1)

    def extra_repr(self) -> str:
        """Show the side."""
        return f"side={self.side}"


def _interpolated(images: Tensor, side: int) -> Tensor:
    """Return images (n, C, H, W) resized to a side."""
    smaller = images.shape[-1] > side
    return functional.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=smaller)


def _multiplied(images: Tensor, side: int) -> Tensor:
    """Do the same as a matrix product, because the gradient of `interpolate` is not deterministic on a GPU."""
    rows, columns = (_resizing(size, side, images.dtype, images.device) for size in images.shape[2:])
    with torch.autocast(images.device.type, enabled=False):  # bf16 would round the images
        return (rows @ images @ columns.mT).contiguous(memory_format=torch.channels_last)


@cache
def _resizing(size: int, side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return (side, size): the weight of each of `size` pixels in each of `side`."""
    whole = torch.tensor([size], dtype=torch.float64)
    start, flip = torch.zeros_like(whole), torch.tensor([False])
    weights = resizing_matrices(start, whole, flip, size, side, antialias=True, corners=False)
    return weights[0, 0].to(device, dtype)


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
    side: int | None = None,
    seed: int,
) -> nn.Module:
    """Build a victim on the CPU in fp32, in train mode.

    With weights from a package or from timm, a victim has timm's own stem and the weights' own normalisation, and
    resizes images first: noise and attacks keep the images' size. With weights from a file, it is built as from
    scratch.

    Dropout and stochastic depth are timm's for that name. The same seed gives the same weights; torch's global random
    state is left unchanged.

    Args:
        name: timm's name, with an optional width and weights, as for `victims.networks.names.parse_victim`.
        classes: number of classes; the logits are `(N, classes)`.
        channels, size: of the images, floats in [0, 1] of shape `(N, channels, size, size)`.
        stem: `by-size` uses timm's own stem for images of 96 pixels or more; `small` gives ResNet, VGG and DenseNet the
            small-image stem there too, as the papers' code does with its ResNets.
        init: `torch` initialises ResNet, VGG and DenseNet with PyTorch's defaults, with no BatchNorm at zero, as the
            papers' code does its ResNets (but not its VGG and DenseNet), and leaves other families to timm; `timm`
            leaves all families to timm. The networks of the papers' code (`vgg16_bn_fu22`) keep their stem and
            initialisation in any case.
        mean, std: normalisation, one number or one per channel.
        side: side that images are resized to for weights with an image size of their own; None for that size.
        seed: of the random initialisation.

    Raises:
        RequestError: for an unknown name, a width that its family does not support, a normalisation with another number
            of channels, or weights that are missing or do not fit.
    """
    _check_normalisation(mean, std, channels)
    found = parse_victim(name)
    spec = _spec(found, classes=classes, channels=channels, size=size, stem=stem, side=side)
    layers: list[tuple[str, nn.Module]] = []
    if found.weights and (inputs := found.weights.inputs):
        layers, mean, std = [("resize", ResizeLayer(spec.size))], inputs.mean, inputs.std
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        try:
            network = found.weights.create(found.policy, spec) if found.weights else found.policy.create(spec)
            _check_channels(network)
        except RequestError:
            raise
        except Exception as error:
            raise _wrong_width(found.policy, spec, _refusal(found.policy, spec)) or error from error
        if not found.weights and init == "torch" and found.policy.by_protocol:
            _reset(network)
    return nn.Sequential(OrderedDict([*layers, ("normalise", Normalise(mean, std)), ("network", network)]))


def _check_normalisation(mean: Mean, std: Std, channels: int) -> None:
    check_per_channel("setup.mean", mean, channels)
    check_per_channel("setup.std", std, channels)


def check_per_channel(key: str, value: Mean | Std | None, channels: int) -> None:
    """Check that a protocol's value for images is one number, or one per channel.

    Args:
        key: the value's, for the message.
        value: the number or numbers; None if the protocol does not set them.
        channels: of the images.

    Raises:
        RequestError: if there are several numbers, but not one per channel.
    """
    if isinstance(value, tuple) and len(value) != channels:
        raise RequestError(
            f"{key} has {len(value)} numbers, but the images have {several(channels, 'channel')}; "
            f"give one number{f', or {channels}' * (channels > 1)}"
        )


def check_network(
    name: str,
    *,
    size: int,
    channels: int = 3,
    stem: Stems = "by-size",
    mean: Mean = 0.5,
    std: Std = 1.0,
    side: int | None = None,
) -> nn.Module:
    """Check that a victim exists, accepts such images and fits its weights.

    This is a dry run on torch's meta device, which holds no numbers. Weights are loaded once, since only that shows
    whether they fit.

    Args:
        name, size, channels, stem, mean, std, side: as for `build`.

    Returns:
        The victim that was tried, without its first layers.

    Raises:
        RequestError: for an unknown name, a width or size that the network does not support, a normalisation with
            another number of channels, or weights that are missing or do not fit.
    """
    _check_normalisation(mean, std, channels)
    found = parse_victim(name)
    spec = _spec(found, classes=2, channels=channels, size=size, stem=stem, side=side)
    tried = _tried(found.policy, spec)
    if isinstance(tried, str):
        raise _wrong_width(found.policy, spec, tried) or RequestError(
            f"victim {name!r} cannot be built for {spec.size}x{spec.size} images ({tried}){_fitting(found, spec.size)}"
        )
    if found.weights:
        with torch.random.fork_rng(devices=[]):
            found.weights.create(found.policy, spec)
    return nn.Sequential(OrderedDict(network=tried))


def _fitting(found: VictimName, size: int) -> str:
    """Return what to do about a network that cannot be built for images of a size."""
    import timm

    if found.weights and found.weights.inputs and (resized := found.weights.inputs.advice(size)):
        return resized
    config = timm.get_pretrained_cfg(found.timm, allow_unregistered=True)
    side = config.input_size[-1] if config and config.fixed_input_size else None
    made = f"it is made for {side} pixels (folder:PATH@{side}); " if side else ""
    return f"; {made}see `python -m bench list victims` for suitable names"


def seen_side(name: str, size: int, side: int | None) -> int:
    """Return the side in pixels of the images that reach a victim's network, after any resizing.

    Args:
        name: the victim's name.
        size: side of the dataset's images.
        side: as for `build`.
    """
    weights = parse_victim(name).weights
    return (side or weights.inputs.side) if weights and weights.inputs else size


def _check_channels(network: nn.Module) -> None:
    """Refuse a network with layers that have no channels, as timm builds if a width divided by its groups is below 1.

    Raises:
        ValueError: if it has such layers.
    """
    if any(weights.numel() == 0 for weights in network.parameters()):
        raise ValueError("some of its layers would have no channels")


def _wrong_width(policy: Stem, spec: BuildSpec, refusal: str) -> RequestError | None:
    """Return the error for a width that a network cannot have, with one that it can; None if no other width helps."""
    if spec.width is None or not refusal:
        return None
    others = [replace(spec, width=width) for width in (*(spec.width * 2**power for power in range(1, 5)), None)]
    other = next((one for one in others if not _refusal(policy, one)), None)
    if other is None:
        return None
    name = f"{other.name}-w{other.width}" if other.width else other.name
    return RequestError(f"{spec.name} cannot have width {spec.width} ({refusal}); use {name}")


def _refusal(policy: Stem, spec: BuildSpec) -> str:
    """Return why a network cannot be built and run on one image, or an empty string."""
    tried = _tried(policy, spec)
    return tried if isinstance(tried, str) else ""


def _tried(policy: Stem, spec: BuildSpec) -> nn.Module | str:
    """Build a network, run it on one image and return it; or return why that is impossible."""
    tried = _tried_on("meta", policy, spec)
    # older timm reads tensor values while it builds some networks
    return _tried_on("cpu", policy, spec) if isinstance(tried, str) and "meta" in tried else tried


def _tried_on(device: str, policy: Stem, spec: BuildSpec) -> nn.Module | str:
    """Do as `_tried` on a device."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            torch.random.fork_rng(devices=[]),
            torch.device(device),
            torch.no_grad(),
        ):
            network = policy.create(spec)
            _check_channels(network)
            network.eval()(torch.zeros(1, spec.channels, spec.size, spec.size))
    except RequestError:
        raise
    except Exception as error:  # noqa: BLE001 - each network refuses a size in its own way
        return textwrap.shorten(str(error), 100, placeholder="...") or type(error).__name__
    return network


def _spec(found: VictimName, *, classes: int, channels: int, size: int, stem: Stems, side: int | None) -> BuildSpec:
    """Return what to build: for weights with an image size of their own, timm's network for that size."""
    small = size < SMALL or (stem == "small" and found.policy.by_protocol)
    if found.weights and (inputs := found.weights.inputs):
        small, size, channels = False, side or inputs.side, RGB
    return BuildSpec(name=found.timm, width=found.width, classes=classes, channels=channels, size=size, small=small)


def _reset(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            layer.reset_parameters()
