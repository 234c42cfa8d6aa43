"""Stand-ins, in the authors' process, for things that their code needs and that are missing here.

- CUDA: `.cuda()` leaves a tensor or a network where it is.
- `clamp`: the installed PyTorch may pass no gradient to an entry that lies on a bound; PyTorch 1.8, of the papers'
  time, passes it inside the closed range and nothing outside.
- float32: where their code asks for it by name, it gets float64, so that rounding does not hide differences; float16,
  in which some of them store noise, stays.
- data loaders work in this process and draw one permutation per epoch, so that their random draws can be replayed.
- CIFAR-10 is the given images.
- `np.float` and `np.int`, which NumPy has dropped, are Python's.
- `view` is `reshape`: in the installed PyTorch, some results have another memory layout than in theirs.
- `six`: `six.moves.cPickle` is Python's `pickle`.
- `mlconfig`: `register` returns its argument; a configuration is a plain object.
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
    """Return a torch function that makes float64 where float32 is asked for."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dtype") is torch.float32:
            kwargs["dtype"] = torch.float64
        return function(*args, **kwargs)

    return call


class Cifar10:
    """The given images in the form of torchvision's CIFAR-10; both splits are the same."""

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
    """Install a module in place of a missing one."""
    made = ModuleType(name)
    vars(made).update(contents)
    sys.modules[name] = made


def install(kind: str) -> None:
    """Install the stand-ins for images of a kind."""
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
    """The result of `mlconfig.load`."""

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
"""Torch functions that are replaced in their process, and their replacements."""
