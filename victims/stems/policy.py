"""What a family's stem policy is, and what it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attacks.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

SMALL = 96
"""Images of a smaller side get the policy's stem; larger ones timm's own."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One network that is asked of timm.

    Attributes:
        name: timm's name.
        width: base width, or None for the name's own.
        classes, channels, size: of the logits and of the images, `(N, channels, size, size)`.
    """

    name: str
    width: int | None
    classes: int
    channels: int
    size: int

    @property
    def small(self) -> bool:
        """Whether the images are too small for timm's own stem."""
        return self.size < SMALL

    def make(self, arguments: dict[str, Any] | None = None) -> "nn.Module":
        """Build timm's network, never pretrained, with further constructor arguments of its family."""
        import timm

        network: nn.Module = timm.create_model(
            self.name, pretrained=False, num_classes=self.classes, in_chans=self.channels, **(arguments or {})
        )
        return network


@dataclass(frozen=True, kw_only=True)
class Stem:
    """How one family of timm networks takes small images and widths.

    Attributes:
        family: its name.
        modules: the timm modules whose names it covers.
        examples: victim names that are tested.
        policy: what is done, in one line.
        create: builds the network that is asked for.
        widths: whether names take a `-w16` suffix.
        torch_init: whether `init="torch"` gives it PyTorch's default initialisation, as in the papers' code.
    """

    family: str
    modules: tuple[str, ...]
    examples: tuple[str, ...]
    policy: str
    create: Callable[[Ask], "nn.Module"]
    widths: bool = False
    torch_init: bool = False


def half(name: str, width: int) -> int:
    """Return half of a width, for families that are built from halves.

    Raises:
        RequestError: for an odd width.
    """
    if width % 2:
        raise RequestError(f"{name} takes even widths only; write {name}-w{width + 1}")
    return width // 2
