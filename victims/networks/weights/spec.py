"""What a set of pretrained weights is, and how it is loaded into a network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.core.errors import RequestError
from attacks.core.files import file_digest, unreadable
from victims.networks.stems.policy import BuildSpec, Stem

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The images that weights were trained on: their side in pixels, and each channel's mean and deviation."""

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def advice(self, side: int) -> str:
        """Return what to do about weights that do not work at a side; empty for their own."""
        if side == self.side:
            return ""
        return (
            f"; images are resized to {side} pixels inside it: set setup.victim.pretrained.side "
            f"(setup.noise.pretrained.side for a surrogate) to {self.side}"
        )


class Weights(ABC):
    """Weights that a victim starts from; they are data: no code in a weights file is ever executed.

    Attributes:
        name: the victim's name in records: the network's name, a dot, and a tag.
        inputs: the images that they expect; None for images as in the protocol.
    """

    name: str
    inputs: Inputs | None

    @property
    @abstractmethod
    def identity(self) -> str:
        """What identifies them in a cell's key.

        Raises:
            RequestError: if that depends on the weights and they are missing.
        """

    @abstractmethod
    def check(self) -> None:
        """Check that the weights are available and intact.

        Raises:
            RequestError: if they are not, with what to install or where to put the file.
        """

    @abstractmethod
    def create(self, policy: Stem, spec: BuildSpec) -> "nn.Module":
        """Build a network that starts from these weights, with a randomly initialised head for `spec.classes`.

        Args:
            policy: the network's family.
            spec: what to build; `size` is the side of the images that reach the network.

        Raises:
            RequestError: as for `check`, or if the weights do not fit the network.
        """


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of a weights file, in hex; the file is read again only if it changes.

    Raises:
        RequestError: if it cannot be read.
    """
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise unreadable(path, error) from error


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return file_digest(path)


def fill(network: "nn.Module", state: Mapping[str, "Tensor"], origin: object) -> None:
    """Load weights into all of a network but its head.

    Args:
        network: the network.
        state: the weights by name.
        origin: where they come from, for error messages.

    Raises:
        RequestError: for a weight that is missing, is not the network's, or has another shape.
    """
    import torch

    own = network.state_dict()
    head = _head(network)
    body, given = own.keys() - head, state.keys() - head
    wrong = sorted(body ^ given) or sorted(name for name in body if own[name].shape != state[name].shape)
    if wrong:
        first = wrong[0]
        fault = "is missing" if first not in given else "is not the network's" if first not in body else "has shape "
        both = f"{tuple(state[first].shape)}, not {tuple(own[first].shape)}" if fault.endswith(" ") else ""
        raise RequestError(
            f"{origin} does not fit the network: {first} {fault}{both}; it must hold weights of the network as it is "
            "built here, on small images with the stem that `list victims` describes"
        )
    with torch.no_grad():
        for name in body:
            own[name].copy_(state[name])


def classifiers(network: "nn.Module") -> "tuple[nn.Module, ...]":
    """Return the classifiers of a timm network: one, or two if it was made to be distilled.

    Raises:
        RequestError: for a network that does not name its classifier.
    """
    if not hasattr(network, "get_classifier"):
        raise RequestError(f"{type(network).__name__} has no get_classifier(), as timm's networks do; give it one")
    found = network.get_classifier()  # type: ignore[operator]
    return found if isinstance(found, tuple) else (found,)


def _head(network: "nn.Module") -> set[str]:
    """Return the names of the weights of a timm network's classifier."""
    found = classifiers(network)
    return {
        f"{name}.{weight}"
        for name, module in network.named_modules()
        if any(module is head for head in found)
        for weight in module.state_dict()
    }
