"""The inputs of both sides of a comparison: images, labels, a small network, random draws.

Nothing here imports this project's packages or the authors': each side runs in a process of its own, where names such
as `attacks` and `utils` refer to that side's modules, and both import this file.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Found = dict[str, npt.NDArray[Any]]
"""What one side computed: whole numbers are compared one by one, floats by their largest difference."""

COUNT, CLASSES, SIDE = 20, 10, 32
PLAIN, SATURATED, EDGES = "plain", "saturated", "near the ends"


def images(kind: str) -> npt.NDArray[np.uint8]:
    """Return uint8 images (N, H, W, C) with values from 30 to 225.

    If saturated, a third of the pixels are at 0 or 255; near the ends, a third are at most 8 from 0 or 255, where noise
    can end up on a bound.
    """
    random = np.random.default_rng(1)
    found = random.integers(30, 226, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    extreme = random.integers(0, 2, found.shape, dtype=np.uint8) * np.uint8(255)
    chosen = random.random((COUNT, SIDE, SIDE, 1)) < 1 / 3
    if kind == EDGES:
        inwards = random.integers(0, 9, found.shape, dtype=np.uint8)
        extreme = np.where(extreme == 0, inwards, extreme - inwards)
    return found if kind == PLAIN else np.where(chosen, extreme, found)


def labels() -> npt.NDArray[np.int64]:
    """Return labels (N,), equally many of each class, in random order."""
    return np.random.default_rng(2).permutation(np.arange(COUNT) % CLASSES)


class Small(nn.Module):
    """A residual network of a few thousand weights; it takes images centred on 0, as the authors' networks do."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.BatchNorm2d(2 * width)
        self.same = nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False)
        self.same_norm = nn.BatchNorm2d(2 * width)
        self.head = nn.Linear(2 * width, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        maps = self.stem_norm(self.stem(images)).relu()
        maps = self.down_norm(self.down(maps)).relu()
        maps = (maps + self.same_norm(self.same(maps))).relu()
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


class Centred(nn.Module):
    """The small network behind the shift by 0.5 of our networks, for code whose networks take images in [0, 1]."""

    def __init__(self, network: Small) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images - 0.5)


class WithFeatures(Centred):
    """The same network for code that expects features and logits."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.network.features(images - 0.5)
        return features, self.network.head(features)


def small() -> nn.Module:
    """Build the small network, in float64."""
    return fill(Small().double())


def several(count: int) -> list[Small]:
    """Build networks of one architecture with different weights."""
    return [fill(Small().double(), seed) for seed in range(10, 10 + count)]


def fill(network: nn.Module, seed: int = 3) -> nn.Module:
    """Fill a network's weights and statistics in order, so that networks of the same shapes become identical."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if tensor.dim() > 1:
                drawn = random.standard_normal(tensor.shape) * math.sqrt(2 / tensor[0].numel())
            elif name.endswith(("var", "weight")):
                drawn = random.uniform(0.5, 1.5, tensor.shape)
            else:
                drawn = random.uniform(-0.2, 0.2, tensor.shape)
            tensor.copy_(torch.from_numpy(drawn))
    return network


def state(network: nn.Module) -> Found:
    """Return a network's weights and statistics, numbered in order, since names differ between implementations."""
    kept = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return {f"weight {number}": tensor.detach().numpy().copy() for number, tensor in enumerate(kept)}


@dataclass
class Draws:
    """Random numbers by purpose, each a stream of its own that gives the same numbers however it is split into calls.

    One side draws five views of a batch at once, the other one view and one image at a time; the n-th flip, shift or
    entry is the same on both sides. The first `shuffles` permutations of the set are random; later ones are the
    identity, because our final pass goes through the set in order.
    """

    shuffles: int = 2
    _streams: dict[str, np.random.Generator] = field(default_factory=dict)

    def _stream(self, name: str) -> np.random.Generator:
        return self._streams.setdefault(name, np.random.default_rng([4, *name.encode()]))

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the stream's next numbers in [0, 1)."""
        return torch.from_numpy(np.asarray(self._stream(name).random(math.prod(shape)).reshape(shape)))

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Return the next normal numbers."""
        return torch.from_numpy(np.asarray(self._stream("normals").standard_normal(math.prod(shape)).reshape(shape)))

    def whole(self, name: str, low: int, high: int, shape: tuple[int, ...]) -> Tensor:
        """Return the next whole numbers from `low` to below `high`."""
        return (low + (self.uniform(name, shape) * (high - low)).floor()).long()

    def permutation(self, count: int) -> Tensor:
        """Return the next permutation."""
        self.shuffles -= 1
        order = self._stream("orders").permutation(count) if self.shuffles >= 0 else np.arange(count)
        return torch.from_numpy(order)


def shape_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape that a factory function of torch was asked for."""
    size = kwargs.get("size", args)
    if len(size) == 1 and not isinstance(size[0], int):
        size = size[0]
    return tuple(size)


class Replayed(TorchFunctionMode):
    """A mode in which torch's random functions return `draws`, in float64 and in the logical order of the entries.

    Also, `half` rounds a float64 once, as NumPy does; torch goes through float32, which is the same for a float32.
    """

    def __init__(self, draws: Draws) -> None:
        super().__init__()
        self.draws = draws
        self.replaced: dict[Callable[..., Any], Callable[..., Any]] = {
            torch.rand: lambda *args, **kwargs: draws.uniform("flips", shape_of(args, kwargs)),
            torch.rand_like: lambda tensor, **_: draws.uniform("entries", tuple(tensor.shape)),
            torch.randn: lambda *args, **kwargs: draws.normal(shape_of(args, kwargs)),
            torch.randint: self._randint,
            torch.randperm: lambda count, **_: draws.permutation(count),
            torch.Tensor.uniform_: self._uniform,
            torch.Tensor.half: lambda tensor: torch.from_numpy(tensor.numpy().astype(np.float16)),
        }

    def _randint(self, *args: Any, **kwargs: Any) -> Tensor:
        numbers = [one for one in args if isinstance(one, int)]
        low, high = numbers if len(numbers) == 2 else (0, numbers[0])
        size = kwargs["size"] if "size" in kwargs else args[-1]
        return self.draws.whole("shifts", low, high, tuple(size))

    def _uniform(self, tensor: Tensor, low: float = 0, high: float = 1, **_: Any) -> Tensor:
        drawn = self.draws.uniform("entries", tuple(tensor.shape))
        # if symmetric around 0, computed as the authors do, to the last bit
        return tensor.copy_(2 * (drawn - 0.5) * high if low == -high else low + (high - low) * drawn)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function's replacement, or the function itself."""
        return self.replaced.get(func, func)(*args, **(kwargs or {}))


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a row differs, and by how much it may.

    Attributes:
        why: the reason, in one line.
        share: percent of the whole numbers that may differ.
        largest: the most that one may differ by.
        floats: the most that a float may differ by.
    """

    why: str
    share: float = 0
    largest: float = 0
    floats: float = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        name: what is compared: a method, a network, a countermeasure.
        ran: the authors' function.
        theirs: (kind of images) -> what their code computes; runs where their repository's modules can be imported.
        ours: likewise for our code, where our modules can be imported.
        causes: the cause of a difference, by kind of images, or under `""` for all; absent if nothing differs.
        kinds: the kinds of images.
        note: what readers need to know, e.g. a number that differs from the scripts'.
    """

    name: str
    ran: str
    theirs: Callable[[str], Found]
    ours: Callable[[str], Found]
    causes: Mapping[str, Cause] = field(default_factory=dict)
    kinds: tuple[str, ...] = (PLAIN, SATURATED, EDGES)
    note: str = ""


def repository() -> Path:
    """Return the folder of the authors' repository, in their process."""
    return Path(os.environ["PARITY_REPOSITORY"])
