"""Faults of PyTorch on CPUs change no result of networks that a runtime has placed."""

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cpu_faults import normalise_in_fp32, take_out_strides
from attacks.core.runtime import Runtime
from victims.networks.build import build

CPU = Runtime(device=torch.device("cpu"), precision="fp32")
IMAGES = 128
TRAINING = """
import torch
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from victims.networks.build import build
at = Runtime.on("cpu", precision="{precision}", side=8)
network = at.place(build("resnet18-w{width}", classes=4, channels=3, size=8, seed=0))
optimiser = Optimiser(network, Sgd(lr=0.001), at)
for _ in range(40):
    kept = [torch.rand(size) for size in range(1, 40)]
    optimiser.step(at.pixels(torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)), torch.arange(3))
"""


def with_gradients(layer: nn.Module, images: Tensor) -> list[Tensor]:
    leaf = images.clone().requires_grad_()
    found = layer(leaf)
    slope = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view(found.shape)
    return [found, *torch.autograd.grad(found, [leaf, *layer.parameters()], slope)]


@pytest.mark.parametrize(("stride", "side"), [(2, 8), (2, 7), ((1, 3), 9), ((4, 1), 5)])
@pytest.mark.parametrize("groups", [1, 2])
def test_results_without_strides_stay_the_same(stride: int | tuple[int, int], side: int, groups: int) -> None:
    images = torch.randn(3, 4, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = nn.Conv2d(4, 6, 1, stride=stride, groups=groups).double()
    apart = copy.deepcopy(layer)
    take_out_strides(apart)
    take_out_strides(apart)
    assert apart.stride == (1, 1)
    for other in (apart, copy.deepcopy(apart)):
        for here, there in zip(with_gradients(other, images), with_gradients(layer, images), strict=True):
            torch.testing.assert_close(here, there)


def test_only_strides_that_the_fault_concerns_are_taken_out() -> None:
    for layer in (
        nn.Conv2d(4, 4, 3, stride=2),
        nn.Conv2d(4, 4, 1, stride=2, padding=1),
        nn.Conv2d(16, 4, 1, stride=2),
        nn.ConvTranspose2d(4, 4, 1, stride=2),
    ):
        take_out_strides(layer)
        assert layer.stride == (2, 2)
        assert not layer._forward_pre_hooks


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        (CPU, True),
        (replace(CPU, precision="bf16", emulated=True), True),
        (replace(CPU, precision="bf16"), False),
        (replace(CPU, precision="fp64"), False),
    ],
)
def test_strides_of_networks_that_are_placed(at: Runtime, *, taken: bool) -> None:
    network = at.place(build("resnet18-w4", classes=4, channels=3, size=8, seed=0))
    strides = {name: one.stride for name, one in network.named_modules() if isinstance(one, nn.Conv2d)}
    assert strides["network.layer2.0.downsample.0"] == ((1, 1) if taken else (2, 2))
    assert strides["network.layer2.0.conv1"] == (2, 2)


@pytest.mark.parametrize("width", [2, 6, 8, 12])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_narrow_networks_are_trained_without_a_crash(width: int, precision: str) -> None:
    code = TRAINING.format(width=width, precision=precision)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def of_weights(name: str, precision: str) -> dict[str, Tensor]:
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
    exact, rounded = of_weights(name, "fp32"), of_weights(name, "bf16")
    off = {key: float((rounded[key] - each).norm() / each.norm()) for key, each in exact.items() if key in rounded}
    assert len(off) > 50
    assert max(off.values()) < 0.05


def test_other_layers_and_other_precisions_are_not_normalised_in_fp32() -> None:
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
