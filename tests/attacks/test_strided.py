"""Strided 1x1 convolutions of few channels give the same results without oneDNN's bug."""

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attacks.core.runtime import Runtime
from attacks.core.strided import take_out_strides
from victims.networks.build import build

CPU = Runtime(device=torch.device("cpu"), precision="fp32")
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


def gradients(layer: nn.Module, images: Tensor) -> list[Tensor]:
    leaf = images.clone().requires_grad_()
    found = layer(leaf)
    slope = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view(found.shape)
    return [found, *torch.autograd.grad(found, [leaf, *layer.parameters()], slope)]


@pytest.mark.parametrize(("stride", "side"), [(2, 8), (2, 7), ((1, 3), 9), ((4, 1), 5)])
@pytest.mark.parametrize("groups", [1, 2])
def test_results_stay_the_same(stride: int | tuple[int, int], side: int, groups: int) -> None:
    images = torch.randn(3, 4, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = nn.Conv2d(4, 6, 1, stride=stride, groups=groups).double()
    apart = copy.deepcopy(layer)
    take_out_strides(apart)
    take_out_strides(apart)
    assert apart.stride == (1, 1)
    for other in (apart, copy.deepcopy(apart)):
        for here, there in zip(gradients(other, images), gradients(layer, images), strict=True):
            torch.testing.assert_close(here, there)


def test_only_what_the_fault_concerns_is_changed() -> None:
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
def test_networks_that_are_placed(at: Runtime, *, taken: bool) -> None:
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
