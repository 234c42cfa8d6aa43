"""What a family's stem policy is, and the specification that it builds from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

SMALL = 96
"""Images with a smaller side get the policy's stem, whatever the protocol says."""
GRID = 8


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """The specification of one timm network.

    Attributes:
        name: timm's name.
        width: base width, or None for timm's own.
        classes, channels, size: the logits are `(N, classes)`, the images `(N, channels, size, size)`.
        small: whether to use the policy's stem for small images instead of timm's own.
    """

    name: str
    width: int | None
    classes: int
    channels: int
    size: int
    small: bool

    def make(self, arguments: dict[str, Any] | None = None) -> "nn.Module":
        """Build timm's network, never pretrained, with extra constructor arguments of its family."""
        import timm

        network: nn.Module = timm.create_model(
            self.name, pretrained=False, num_classes=self.classes, in_chans=self.channels, **(arguments or {})
        )
        return network


@dataclass(frozen=True, kw_only=True)
class Stem:
    """How one family of networks handles small images and widths.

    Attributes:
        family: its name.
        modules: the modules whose networks it covers, timm's without `timm.models.`.
        examples: victim names that are tested.
        policy: what is changed, in one line.
        create: builds the specified network.
        widths: whether names take a `-w16` suffix.
        version: raised by a correction that changes what its networks learn.
        by_protocol: whether a protocol's `init="torch"` gives this family PyTorch's default initialisation, and its
            `stem="small"` the stem for small images at any size.
    """

    family: str
    modules: tuple[str, ...]
    examples: tuple[str, ...]
    policy: str
    create: Callable[[BuildSpec], "nn.Module"]
    widths: bool = False
    version: int = 1
    by_protocol: bool = False


def half(name: str, width: int) -> int:
    """Return half of a width, for families with arguments that need it.

    Raises:
        RequestError: for an odd width.
    """
    if width % 2:
        raise RequestError(f"{name} needs an even width; write {name}-w{width + 1}")
    return width // 2


def vit_patch_side(size: int) -> int:
    """Return the largest patch side that tiles a small image, about 8 patches a side: 4 at 32 and at 28, 8 at 64."""
    largest = -(-size // GRID)
    return max(side for side in range(1, largest + 1) if size % side == 0)
