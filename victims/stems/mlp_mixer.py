"""MLP-Mixer, ResMLP and gMLP.

timm's names fix the patch and the width, so that neither can be asked for: the patch embedding is replaced, and a
network of another width is built from timm's class.
"""

from typing import TYPE_CHECKING, Any

from attacks.errors import RequestError
from victims.stems.patches import patch_side
from victims.stems.policy import Ask, Stem

if TYPE_CHECKING:
    from torch import nn


def create(ask: Ask) -> "nn.Module":
    """Build a mixer; the width is that of its tokens, for timm's `mixer_*` only."""
    import torch

    with torch.device("meta"):
        own: Any = ask.make()
    own_patch: int = own.stem.patch_size[0]
    patch = patch_side(ask.size) if ask.small else own_patch
    if ask.width is not None:
        return _at_width(ask, ask.width, patch=patch, blocks=len(own.blocks))
    network: Any = ask.make({"img_size": ask.size // patch * own_patch})  # the grid that is wanted
    network.stem = _patch_embedding(ask, patch=patch, width=own.embed_dim)
    return network  # type: ignore[no-any-return]


def _at_width(ask: Ask, width: int, *, patch: int, blocks: int) -> "nn.Module":
    from timm.models.mlp_mixer import MlpMixer

    if not ask.name.startswith("mixer_"):
        raise RequestError(f"{ask.name} has timm's width only; write {ask.name}, or mixer_s32_224-w{width}")
    network: nn.Module = MlpMixer(
        num_classes=ask.classes,
        img_size=ask.size,
        in_chans=ask.channels,
        patch_size=patch,
        num_blocks=blocks,
        embed_dim=width,
    )
    return network


def _patch_embedding(ask: Ask, *, patch: int, width: int) -> "nn.Module":
    """Return a patch embedding with timm's initialisation of a mixer's."""
    from timm.layers.patch_embed import PatchEmbed
    from timm.layers.weight_init import lecun_normal_
    from torch import nn

    stem: Any = PatchEmbed(ask.size, patch, ask.channels, width)
    lecun_normal_(stem.proj.weight)  # type: ignore[no-untyped-call]
    nn.init.zeros_(stem.proj.bias)
    return stem  # type: ignore[no-any-return]


MLP_MIXER = Stem(
    family="MLP-Mixer",
    modules=("mlp_mixer",),
    examples=("mixer_s32_224-w32", "gmlp_ti16_224"),
    policy="patches of an eighth of the side (4 at 32 pixels)",
    create=create,
    widths=True,
)
