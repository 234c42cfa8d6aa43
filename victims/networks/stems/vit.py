"""Vision transformers."""

from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError
from victims.networks.stems.policy import BuildSpec, Stem, vit_patch_side

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a vision transformer; the width is the token width.

    Raises:
        RequestError: for a ConViT with a width.
    """
    arguments: dict[str, Any] = {"img_size": spec.size}
    if spec.small:
        arguments |= {"patch_size": vit_patch_side(spec.size)}
    if spec.width is not None:
        if spec.name.startswith("convit"):  # its constructor takes the width of a head
            raise RequestError(f"the width of {spec.name} cannot be changed; leave out -w{spec.width}")
        arguments |= {"embed_dim": spec.width, "num_heads": heads(spec.width)}
    return spec.make(arguments)


def heads(width: int) -> int:
    """Return the number of attention heads: 64 wide each as in the papers, about three if that gives fewer."""
    most = max(3, width // 64)
    return max(count for count in range(1, most + 1) if width % count == 0)


VIT = Stem(
    family="ViT",
    modules=("vision_transformer", "vision_transformer_relpos", "deit", "beit", "cait", "convit", "eva"),
    examples=("vit_small_patch16_224", "vit_tiny_patch16_224-w48", "deit_tiny_patch16_224-w48", "test_vit"),
    policy="patches of an eighth of the side (4 at 32 pixels)",
    create=create,
    widths=True,
    version=2,
)
