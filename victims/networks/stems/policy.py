"""What a family's stem policy is, and what it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

SMALL = 96
"""Images of a smaller side get the policy's stem, whatever the protocol says."""
GRID = 8


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """One network that is asked of timm.

    Attributes:
        name: timm's name.
        width: base width, or None for the name's own.
        classes, channels, size: of the logits and of the images, `(N, channels, size, size)`.
        small: whether to give the network the policy's stem for small images, not timm's own.
    """

    name: str
    width: int | None
    classes: int
    channels: int
    size: int
    small: bool

    def make(self, arguments: dict[str, Any] | None = None) -> "nn.Module":
        """Build timm's network, never pretrained, with further constructor arguments of its family."""
        import timm

        network: nn.Module = timm.create_model(
            self.name, pretrained=False, num_classes=self.classes, in_chans=self.channels, **(arguments or {})
        )
        return network


@dataclass(frozen=True, kw_only=True)
class Stem:
    """How one family of networks takes small images and widths.

    Attributes:
        family: its name.
        modules: the modules whose networks it covers, timm's without `timm.models.`.
        examples: victim names that are tested.
        policy: what is done, in one line.
        create: builds the network that is asked for.
        widths: whether names take a `-w16` suffix.
        by_protocol: whether a protocol's `init="torch"` gives this family PyTorch's default initialisation, and its
            `stem="small"` the stem of small images at any size.
    """

    family: str
    modules: tuple[str, ...]
    examples: tuple[str, ...]
    policy: str
    create: Callable[[BuildSpec], "nn.Module"]
    widths: bool = False
    by_protocol: bool = False


def half(name: str, width: int) -> int:
    """Return half of a width, for families that are built from halves.

    Raises:
        RequestError: for an odd width.
    """
    if width % 2:
        raise RequestError(f"{name} needs an even width; write {name}-w{width + 1}")
    return width // 2


def vit_patch_side(size: int) -> int:
    """Return the largest patch that tiles a small image and leaves about 8 a side: 4 at 32 and at 28, 8 at 64."""
    largest = -(-size // GRID)
    return max(side for side in range(1, largest + 1) if size % side == 0)
