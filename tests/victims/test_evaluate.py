import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, SignSteps
from attacks.engine.frozen import FrozenNetwork
from victims.evaluate import evaluate, robust_accuracy

RUNTIME = Runtime(device=torch.device("cpu"), precision="fp32", chunk=300)


class Brightness(nn.Module):
    """A network that predicts class 1 for bright images, with more confidence the brighter they are."""

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean((1, 2, 3)) - 0.5
        return torch.stack([-bright, bright], 1)


def frozen() -> FrozenNetwork:
    return FrozenNetwork(Brightness(), torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), RUNTIME)


def grey(levels: Tensor) -> Tensor:
    """Return images (n, 3, 4, 4), each of one grey level."""
    return levels.to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)


def robust(levels: Tensor, labels: Tensor, radius: float, limit: int) -> tuple[float, Passes]:
    network = frozen()
    accuracy = robust_accuracy(
        network,
        grey(levels),
        labels,
        radius=radius,
        steps=SignSteps(steps=3, step=0.5),
        limit=limit,
        augment=Augment(),
        runtime=RUNTIME,
        generator=torch.Generator().manual_seed(0),
    )
    return accuracy, network.passes


def test_accuracy_and_loss_over_more_than_a_batch() -> None:
    levels = torch.randint(0, 256, (2300,), generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 2, (2300,), generator=torch.Generator().manual_seed(2))
    network = frozen()
    score = evaluate(network, grey(levels), labels, augment=Augment(), runtime=RUNTIME)
    bright = levels / 255 - 0.5
    assert score.accuracy == pytest.approx(100 * float(((bright > 0) == labels.bool()).float().mean()))
    expected = functional.cross_entropy(torch.stack([-bright, bright], 1), labels)
    assert score.loss == pytest.approx(float(expected), rel=1e-5)
    assert network.passes == Passes(forward=2300)


def test_the_network_sees_the_centre() -> None:
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    images[:, :, 1:3, 1:3] = 255
    labels = torch.ones(2, dtype=torch.int64)
    assert evaluate(frozen(), images, labels, augment=Augment(), runtime=RUNTIME).accuracy == 0
    assert (
        evaluate(frozen(), images, labels, augment=Augment(kind="resized-crop", size=2), runtime=RUNTIME).accuracy
        == 100
    )


def test_robust_accuracy_counts_what_the_attack_cannot_turn() -> None:
    # a prediction survives if the level is further from the middle, 127.5, than the radius
    accuracy, passes = robust(torch.tensor([120, 122, 125, 131, 133, 140]), torch.tensor([0, 0, 0, 1, 1, 1]), 4, 6)
    assert accuracy == pytest.approx(100 * 4 / 6)
    assert passes == Passes(attack=6 * 3, forward=6)


def test_robust_accuracy_takes_images_spread_evenly() -> None:
    levels = torch.full((1300,), 10)
    levels[::13] = 250  # only the images that an even choice of 100 takes are classified correctly
    labels = torch.ones(1300, dtype=torch.int64)
    assert robust(levels, labels, 2, 100) == (100, Passes(attack=300, forward=100))
    assert robust(levels, labels, 2, 5000)[0] == pytest.approx(100 / 13)
