"""What takes the place, in the authors' process, of things that their code needs and that are not here.

- CUDA: `.cuda()` leaves a tensor or a network where it is.
- `clamp`: the installed PyTorch may pass no gradient to an entry that lies on a bound; that of the papers' time (1.8)
  passes it within the closed range, and nothing outside.
- float32: where their code asks for it by name it gets float64, so that rounding does not hide what differs; float16,
  which some of them store noise in, stays.
- data loaders work in this process and draw one permutation an epoch, so that their random draws can be replayed.
- CIFAR-10 is the given images.
- `np.float` and `np.int`, which numpy has dropped, are Python's.
- `view` is `reshape`: some results of the installed PyTorch lie otherwise in memory than those of their time.
- `six`: of it, `cPickle` is Python's `pickle`.
- `mlconfig`: `register` gives back what it is given; a configuration is a plain object.
"""

import pickle
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from common import images, labels
from torch import Tensor, nn


class _Clamped(torch.autograd.Function):
    """`clamp` with the derivative of PyTorch 1.8: 1 where low <= x <= high, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward((tensor >= low) & (tensor <= high))
        return tensor.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def clamp(tensor: Tensor, min: float | None = None, max: float | None = None) -> Tensor:  # noqa: A002
    """Clamp as PyTorch 1.8 does."""
    low, high = (-np.inf if min is None else min), (np.inf if max is None else max)
    if tensor.requires_grad and torch.is_grad_enabled():
        return _Clamped.apply(tensor, low, high)
    return tensor.clamp(low, high)


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of torch that makes float64 where float32 is asked for."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dtype") is torch.float32:
            kwargs["dtype"] = torch.float64
        return function(*args, **kwargs)

    return call


class Cifar10:
    """The given images, as torchvision's CIFAR-10 has them; both splits are the same."""

    kind = "plain"

    def __init__(self, transform: Callable[[Any], Any] | None = None, **_: Any) -> None:
        self.data = images(self.kind)
        self.targets = labels().tolist()
        self.transform = self.transforms = transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        image = Image.fromarray(self.data[index])
        return self.transform(image) if self.transform else image, self.targets[index]


def same(value: Any, *_: Any, **__: Any) -> Any:
    """Return the first argument."""
    return value


def module(name: str, **contents: Any) -> None:
    """Put a module in the place of one that is not here."""
    made = ModuleType(name)
    vars(made).update(contents)
    sys.modules[name] = made


def install(kind: str) -> None:
    """Install them all."""
    import torchvision

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.Tensor.cuda = nn.Module.cuda = same
    vars(np).update(float32=np.float64, float=float, int=int)
    Cifar10.kind = kind
    torchvision.datasets.CIFAR10 = Cifar10
    loader = torch.utils.data.DataLoader.__init__

    def in_process(self: Any, *args: Any, **kwargs: Any) -> None:
        loader(self, *args, **kwargs | {"num_workers": 0, "pin_memory": False})

    torch.utils.data.DataLoader.__init__ = in_process
    torch.utils.data.RandomSampler.__iter__ = lambda self: iter(torch.randperm(len(self.data_source)).tolist())
    module("six")
    module("six.moves", cPickle=pickle)
    module("mlconfig", register=same, load=lambda _: CONFIGURATION)


class Configuration(SimpleNamespace):
    """What `mlconfig.load` gives."""

    def set_immutable(self) -> None:
        """Do nothing."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __iter__(self) -> Any:
        return iter(())


CONFIGURATION = Configuration()


REPLACED: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.clamp: clamp,
    torch.Tensor.clamp: clamp,
    torch.tensor: wide(torch.tensor),
    torch.Tensor.view: torch.Tensor.reshape,
}
"""Functions of torch that are called in their process, and what is called instead."""
