from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.runtime import Runtime
from attacks.core.settings import SignSteps
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.pgd import ascend

RADIUS = 4
LABELS = torch.arange(20) % 3


@pytest.fixture
def frozen(literal: ModuleType) -> FrozenNetwork:
    runtime = Runtime(device=torch.device("cpu"), precision="fp32")
    return FrozenNetwork(literal.tiny(3, seed=0), pictures()[:2], runtime)


def pictures() -> Tensor:
    """Return images with many pixels at or near the ends of the range."""
    return torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(1.4).sub(0.2).clamp(0, 1)


def attack(frozen: FrozenNetwork, radius: float = RADIUS, steps: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return ascend(
        frozen, pictures(), LABELS, radius=radius, steps=SignSteps(steps=steps, step=0.3), generator=generator
    )


def loss(frozen: FrozenNetwork, images: Tensor) -> float:
    return float(functional.cross_entropy(frozen.logits(images), LABELS))


def test_it_raises_the_loss_in_the_ball(frozen: FrozenNetwork) -> None:
    clean, start, found = pictures(), attack(frozen, steps=0), attack(frozen)
    assert frozen.passes == Passes(attack=5 * 20)
    by_chance = abs(loss(frozen, start) - loss(frozen, clean))
    assert loss(frozen, found) - loss(frozen, clean) > 20 * by_chance
    for images in (start, found):
        assert 0 <= images.min() < images.max() <= 1
        assert (images - clean).abs().max() <= RADIUS / 255 * (1 + 1e-5)
    assert ((found - clean).abs() > 0.99 * RADIUS / 255).float().mean() > 0.3


def test_the_start_is_spread_over_the_ball(frozen: FrozenNetwork) -> None:
    inner = (pictures() > 0.1) & (pictures() < 0.9)
    start = ((attack(frozen, steps=0) - pictures()) * 255 / RADIUS)[inner]
    assert start.abs().max() > 0.98
    assert abs(float(start.mean())) < 0.05
    assert start.std() == pytest.approx(3**-0.5, rel=0.05)  # of a uniform draw in [-1, 1]


def test_radius_zero_makes_no_pass(frozen: FrozenNetwork) -> None:
    assert torch.equal(attack(frozen, radius=0), pictures())
    assert frozen.passes == Passes()


def test_images_are_left_as_they_are(frozen: FrozenNetwork) -> None:
    images = pictures()
    generator = torch.Generator().manual_seed(1)
    ascend(frozen, images, LABELS, radius=RADIUS, steps=SignSteps(steps=2, step=0.5), generator=generator)
    assert torch.equal(images, pictures())
