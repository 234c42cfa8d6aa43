"""The fused convolutions against the plain twin."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.frozen import FeatureLoss, FrozenNetwork
from victims.networks.build import build

PLAIN = Runtime(device=torch.device("cpu"), precision="bf16")
FUSED = replace(PLAIN, fused=True)
# (name, side, images): blocks of two and of three convolutions, channels above and below `NARROW`, odd sides and
# counts, rows too long to lie side by side
COVERED = [
    ("resnet18-w8", 32, 16),
    ("resnet18-w8", 32, 3),
    ("resnet18-w8", 30, 6),
    ("resnet18-w8", 16, 1),
    ("resnet18-w12", 28, 32),
    ("resnet18-w8", 64, 2),
    ("resnet18-w48", 32, 4),
    ("resnet26-w8", 32, 16),
    ("resnet26-w8", 17, 5),
]
# another family; a deep stem, squeeze and excitation, and anti-aliasing, which some of timm's ResNets have
OTHERS = ["test_efficientnet", "resnet26d-w8", "seresnet18-w8", "resnetblur18-w8"]

pytestmark = pytest.mark.usefixtures("bf16_in_onednn")


def pictures(count: int, side: int) -> Tensor:
    images = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(count))
    return images.contiguous(memory_format=torch.channels_last)


def labels(count: int) -> Tensor:
    return torch.arange(count) % 4


def learnt(name: str, side: int) -> nn.Module:
    """Return a network whose weights and BatchNorm statistics have moved from their initial values."""
    network = PLAIN.place(build(name, classes=4, channels=3, size=side, seed=0))
    optimiser = Optimiser(network, Sgd(lr=0.02), PLAIN)
    for step in range(2):
        optimiser.step(pictures(8 + step, side), labels(8 + step))
    return network


def as_selections(network: nn.Module) -> None:
    """Make each convolution output plus or minus one input pixel, plus -1, 0 or 1: small integers, exact in bf16."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weight = torch.zeros_like(module.weight).flatten(1)
            place = torch.randint(0, weight.shape[1], (len(weight), 1), generator=generator)
            signs = torch.randint(0, 2, (len(weight), 1), generator=generator) * 2.0 - 1
            weight.scatter_(1, place, signs)
            module.weight.data.copy_(weight.view_as(module.weight))
        elif isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(1 - module.eps)
            module.bias.data.copy_(torch.randint(-1, 2, module.bias.shape, generator=generator))


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize(("name", "side", "count"), COVERED)
def test_without_rounding_the_fused_way_gives_what_the_plain_one_does(name: str, side: int, count: int) -> None:
    network = PLAIN.place(build(name, classes=4, channels=3, size=side, mean=0.0, seed=0))
    as_selections(network)
    plain, fused = (FrozenNetwork(network, pictures(2, side), at) for at in (PLAIN, FUSED))
    images = pictures(count, side).sub(0.5).sign()
    assert fused._trunk
    loss = FeatureLoss(lambda features, _labels: (features * (torch.arange(features.shape[1]) % 3 - 1)).sum())
    found, _ = fused._trunk.forward(images)
    assert found.count_nonzero()
    assert torch.equal(found.mean((2, 3)).float(), plain.features(images))
    expected = plain.feature_gradient(loss, images, labels(count))
    assert expected.count_nonzero()
    assert torch.equal(fused.feature_gradient(loss, images, labels(count)), expected)


@pytest.mark.parametrize(("name", "side", "count"), COVERED)
def test_the_fused_way_is_no_farther_from_fp32_than_the_plain_one(name: str, side: int, count: int) -> None:
    network, images = learnt(name, side), pictures(count, side)
    exact, plain, fused = (
        FrozenNetwork(network, images[:2], at) for at in (replace(PLAIN, precision="fp32"), PLAIN, FUSED)
    )
    assert fused._trunk
    truth = exact.gradient(images, labels(count))
    rough, smooth = plain.gradient(images, labels(count)), fused.gradient(images, labels(count))
    assert smooth.dtype == torch.float32
    assert smooth.is_contiguous(memory_format=torch.channels_last)
    assert far(smooth, truth) < 1.2 * far(rough, truth) + 0.02
    agreed, also = ((one.sign() == truth.sign()).double().mean() for one in (rough, smooth))
    assert also > agreed - 0.01
    assert torch.equal(fused.logits(images), plain.logits(images))


def test_a_fused_network_follows_the_one_that_learns() -> None:
    network, images = learnt("resnet18-w8", 32), pictures(4, 32)
    frozen = FrozenNetwork(network, images[:2], FUSED)
    before = frozen.gradient(images, labels(4))
    Optimiser(network, Sgd(lr=0.1), PLAIN).step(images, labels(4))
    assert torch.equal(frozen.gradient(images, labels(4)), before)
    frozen.refresh()
    fresh = FrozenNetwork(network, images[:2], FUSED)
    assert torch.equal(frozen.gradient(images, labels(4)), fresh.gradient(images, labels(4)))
    assert not torch.equal(frozen.gradient(images, labels(4)), before)


def test_a_network_that_diverged_does_not_look_finite() -> None:
    network, images = learnt("resnet18-w8", 32), pictures(4, 32)
    frozen = FrozenNetwork(network, images[:2], FUSED)
    network.get_submodule("network.layer2.0.conv1").weight.data[0, 0, 0, 0] = torch.nan
    frozen.refresh()
    assert not frozen.logits(images).isfinite().any()


def test_images_of_another_size_go_the_plain_way() -> None:
    network, images = learnt("resnet18-w8", 32), pictures(4, 24)
    plain, fused = (FrozenNetwork(network, pictures(2, 32), at) for at in (PLAIN, FUSED))
    assert torch.equal(fused.gradient(images, labels(4)), plain.gradient(images, labels(4)))


def test_images_in_any_layout_of_memory_give_the_same() -> None:
    network, images = learnt("resnet18-w8", 32), pictures(4, 32)
    frozen = FrozenNetwork(network, images[:2], FUSED)
    assert torch.equal(frozen.gradient(images.contiguous(), labels(4)), frozen.gradient(images, labels(4)))


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_stay_plain(name: str) -> None:
    network, images = learnt(name, 32), pictures(4, 32)
    plain, fused = (FrozenNetwork(network, images[:2], at) for at in (PLAIN, FUSED))
    assert fused._trunk is None
    assert torch.equal(fused.gradient(images, labels(4)), plain.gradient(images, labels(4)))


def test_a_stem_of_large_images_stays_plain() -> None:
    frozen = FrozenNetwork(learnt("resnet18-w8", 96), pictures(2, 96), FUSED)
    assert frozen._trunk is None


def test_only_bf16_is_fused() -> None:
    network, images = learnt("resnet18-w8", 32), pictures(4, 32)
    single = replace(FUSED, precision="fp32")
    assert FrozenNetwork(network, images[:2], single)._trunk is None
    assert not Runtime.on("cpu", precision="fp32", side=32).fused


def test_a_cpu_without_tiles_stays_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False})
    assert not Runtime.on("cpu", precision="bf16", side=32).fused
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert Runtime.on("cpu", precision="bf16", side=32).fused
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not Runtime.on("cpu", precision="bf16", side=32).fused
