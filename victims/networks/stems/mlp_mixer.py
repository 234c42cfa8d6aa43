"""MLP-Mixer, ResMLP and gMLP.

timm's names fix the patch and the width, and neither is an argument: the patch embedding is replaced, and a network of
another width is built from timm's class.
"""

from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError
from victims.networks.stems.policy import BuildSpec, Stem, vit_patch_side

if TYPE_CHECKING:
    from torch import nn


def create(spec: BuildSpec) -> "nn.Module":
    """Build a mixer; the width is the token width, which only timm's `mixer_*` can change."""
    import torch

    with torch.device("meta"):
        own: Any = spec.make()
    own_patch: int = own.stem.patch_size[0]
    patch = vit_patch_side(spec.size) if spec.small else own_patch
    if spec.width is not None:
        return _at_width(spec, spec.width, patch=patch, blocks=len(own.blocks))
    network: Any = spec.make({"img_size": spec.size // patch * own_patch})  # gives the right grid of patches
    network.stem = _patch_embedding(spec, patch=patch, width=own.embed_dim)
    return network  # type: ignore[no-any-return]


def _at_width(spec: BuildSpec, width: int, *, patch: int, blocks: int) -> "nn.Module":
    from timm.models.mlp_mixer import MlpMixer

    if not spec.name.startswith("mixer_"):
        raise RequestError(f"{spec.name} has only timm's width; write {spec.name} or mixer_s32_224-w{width}")
    network: nn.Module = MlpMixer(
        num_classes=spec.classes,
        img_size=spec.size,
        in_chans=spec.channels,
        patch_size=patch,
        num_blocks=blocks,
        embed_dim=width,
    )
    return network


def _patch_embedding(spec: BuildSpec, *, patch: int, width: int) -> "nn.Module":
    """Return a patch embedding, initialised as timm does in a mixer."""
    from timm.layers.patch_embed import PatchEmbed
    from timm.layers.weight_init import lecun_normal_
    from torch import nn

    stem: Any = PatchEmbed(spec.size, patch, spec.channels, width)
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
    version=2,
)
