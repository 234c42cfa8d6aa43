"""The attack used to train and evaluate victims, against that of a library."""

from types import ModuleType

import pytest
import torch
import torchattacks

from attacks.core.runtime import Runtime
from attacks.core.settings import SignSteps
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.pgd import ascend


@pytest.mark.parametrize(("radius", "steps", "step"), [(8, 0, 0.25), (4, 10, 0.2), (8, 5, 0.7), (1, 3, 1)])
def test_attacked_images_are_those_of_torchattacks(radius: int, steps: int, step: float, literal: ModuleType) -> None:
    images = torch.rand(12, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images = images.mul(1.4).sub(0.2).clamp(0, 1)  # many at the ends of the range
    labels = torch.arange(12) % 3
    network = literal.tiny(3, seed=0).double().eval()
    theirs = torchattacks.PGD(network, eps=radius / 255, alpha=step * radius / 255, steps=steps, random_start=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)  # they draw the start from the global generator, of the same kind as ours
        expected = theirs(images, labels)
    frozen = FrozenNetwork(network, images[:2], Runtime(device=torch.device("cpu"), precision="fp64"))
    found = ascend(
        frozen,
        images,
        labels,
        radius=radius,
        steps=SignSteps(steps=steps, step=step),
        generator=torch.Generator().manual_seed(5),
    )
    assert not torch.equal(found, images)
    assert (found - expected).abs().max() <= 1e-6
