"""On a CPU in bf16, layer normalisations get the gradients that they get in fp32."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.normalised import normalise_in_fp32
from attacks.core.runtime import Runtime
from victims.networks.build import build

IMAGES = 128


def gradients(name: str, precision: str) -> dict[str, Tensor]:
    """Return the gradients of a network's parameters on a batch of noise, but for those that are 0 up to rounding."""
    at = Runtime.on("cpu", precision=precision, side=32)  # type: ignore[arg-type]
    network = build(name, classes=10, channels=3, size=32, seed=1)
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():  # timm initialises some with zeros, which leave others no gradient
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.02)
    images = torch.randint(0, 256, (IMAGES, 3, 32, 32), generator=draws, dtype=torch.uint8)
    network = at.place(network).train()
    torch.manual_seed(0)  # some networks drop paths at random
    with at.autocast():
        logits = network(at.pixels(images))
    functional.cross_entropy(logits.float(), torch.arange(IMAGES) % 10).backward()
    found = {name: torch.as_tensor(each.grad) for name, each in network.named_parameters()}
    most = max(float(gradient.norm()) for gradient in found.values())
    return {name: gradient for name, gradient in found.items() if gradient.norm() > 1e-4 * most}


@pytest.mark.parametrize("name", ["mixer_s32_224-w32", "convnext_atto-w8", "swin_tiny_patch4_window7_224"])
def test_bf16_changes_gradients_by_rounding_only(name: str) -> None:
    exact, rounded = gradients(name, "fp32"), gradients(name, "bf16")
    off = {key: float((rounded[key] - each).norm() / each.norm()) for key, each in exact.items() if key in rounded}
    assert len(off) > 50
    assert max(off.values()) < 0.05


def test_other_layers_and_other_precisions_stay_as_they_are() -> None:
    layers = nn.ModuleList([nn.GroupNorm(2, 4), nn.BatchNorm2d(4), nn.Linear(4, 4)])
    normalise_in_fp32(layers)
    assert not any(layer._forward_pre_hooks for layer in layers)
    for precision in ("fp32", "fp64"):
        placed = Runtime.on("cpu", precision=precision, side=32).place(nn.LayerNorm(4))  # type: ignore[arg-type]
        assert not placed._forward_pre_hooks


def test_a_copy_normalises_in_fp32_too_and_twice_is_once() -> None:
    layer = nn.LayerNorm(4)
    normalise_in_fp32(layer)
    normalise_in_fp32(layer)
    images = torch.linspace(0, 1, 12).view(3, 4).to(torch.bfloat16)
    for each in (layer, copy.deepcopy(layer)):
        found = each(images)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, functional.layer_norm(images.float(), (4,)))
