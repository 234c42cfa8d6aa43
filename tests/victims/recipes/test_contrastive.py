"""SimCLR: its loss, what it learns from, and that a probe follows."""

import math
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attacks.core.errors import RequestError
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, Sgd, SignSteps
from attacks.core.state import NullKeeper
from victims.countermeasures.mixup import MIXUP
from victims.countermeasures.standard import STANDARD
from victims.networks.build import build, check_network
from victims.recipes.contrastive_probe import CONTRASTIVE_PROBE, ContrastiveProbe, nt_xent, projected
from victims.settings import VictimSettings
from victims.train import LabelledImages, Training, train

NUMBERS = VictimSettings(
    steps=6,
    batch=8,
    sgd=Sgd(),
    attack=SignSteps(steps=1, step=1),
    evaluate_every=4,
    robust_attack=SignSteps(steps=1, step=1),
    robust_images=0,
    **{
        "contrastive-probe": {"steps": 12, "batch": 16, "sgd": {"lr": 0.1, "warm_up": 2}, "hidden": 24, "projected": 8},
        "linear-probe": {"steps": 5, "batch": 6},
    },
)


def victim(seed: int = 1) -> nn.Module:
    return build("resnet18-w8", classes=3, channels=3, size=16, seed=seed)


def task(network: nn.Module, labels: torch.Tensor) -> Training:
    coarse = torch.rand(30, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    images = (255 * nn.functional.interpolate(coarse, size=(16, 16), mode="bilinear")).to(torch.uint8)
    return Training(
        network=network,
        train=LabelledImages(images=images[:20], labels=labels[:20]),
        test=LabelledImages(images=images[20:], labels=labels[20:]),
        classes=3,
        rho_a=0,
        recipe=CONTRASTIVE_PROBE,
        countermeasure=STANDARD,
        settings=NUMBERS,
        augment=Augment(padding=2),
        generator=torch.Generator().manual_seed(0),
        runtime=Runtime(device=torch.device("cpu"), precision="fp32", chunk=20),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def test_the_loss_is_the_literal_one() -> None:
    """Equation 1 of the paper, pair by pair."""
    n, temperature = 3, 0.4
    points = torch.randn(2 * n, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    total = 0.0
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        similar = [
            math.exp(float(torch.dot(points[i], points[k]) / points[i].norm() / points[k].norm()) / temperature)
            for k in range(2 * n)
        ]
        total -= math.log(similar[j] / sum(similar[k] for k in range(2 * n) if k != i))
    found = nt_xent(nn.Identity(), points, torch.zeros(2 * n), temperature)
    assert found.item() == pytest.approx(total / (2 * n), abs=1e-12)


def test_the_loss_is_in_full_precision_where_the_network_is_not() -> None:
    points = torch.randn(64, 32, generator=torch.Generator().manual_seed(2))
    whole = nt_xent(nn.Identity(), points, torch.zeros(64), 0.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nt_xent(nn.Identity(), points, torch.zeros(64), 0.5), whole)


def test_labels_reach_the_head_alone() -> None:
    one, other = victim(), victim()
    labels = torch.arange(30) % 3
    outcomes = []
    for network, given in ((one, labels), (other, labels.flip(0))):
        torch.manual_seed(4)  # as `seeded` does for a cell: the projector is initialised at random
        outcomes.append(train(task(network, given)))
    for name, tensor in one.network.state_dict().items():
        same = torch.equal(tensor, other.network.state_dict()[name])
        assert same != name.startswith("fc."), name
    assert [len(outcome.curve) for outcome in outcomes] == [2, 2]


def test_the_features_learn_to_tell_images_apart() -> None:
    network, labels = victim(), torch.arange(30) % 3
    given = task(network, labels)
    own = ContrastiveProbe.of(NUMBERS)
    losses = []
    torch.manual_seed(0)
    module = projected(network, own)
    (stage, *_) = CONTRASTIVE_PROBE.stages(NUMBERS)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.03, momentum=0.9)
    generator = torch.Generator().manual_seed(3)
    assert stage.view is not None
    assert stage.loss is not None
    for _ in range(250):
        images = given.runtime.pixels(given.train.images).repeat(2, 1, 1, 1)
        seen = stage.view(given.augment, len(images), (16, 16), generator).apply(images)
        loss = stage.loss(module.train(), seen, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-20:]) / 20 < math.log(2 * 20 - 1) - 0.15  # the loss if all views look alike


def test_a_network_that_does_not_give_its_features_is_refused() -> None:
    class Only(nn.Linear):
        def get_classifier(self) -> nn.Module:
            return self

    state = torch.get_rng_state()
    CONTRASTIVE_PROBE.check(NUMBERS, check_network("resnet18-w8", size=16))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(RequestError, match="Only has no forward_features, as timm's networks do, for contrastive"):
        CONTRASTIVE_PROBE.check(NUMBERS, nn.Sequential(OrderedDict(network=Only(2, 2))))


def test_views_are_compared_unmixed() -> None:
    mixed = set[int]()

    def mix(images: Tensor, labels: Tensor, classes: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        mixed.add(len(images))
        assert MIXUP.mix is not None
        return MIXUP.mix(images, labels, classes, draw)

    train(replace(task(victim(), torch.arange(30) % 3), countermeasure=replace(MIXUP, mix=mix)))
    assert mixed == {6}  # the probe's batch; 16 images have 32 views


def test_image_passes_are_those_planned() -> None:
    outcome = train(task(victim(), torch.arange(30) % 3))
    counted = CONTRASTIVE_PROBE.passes(NUMBERS, STANDARD, rho_a=0, images=20, tests=10)
    assert outcome.training[1] + outcome.evaluation[1] == counted
    assert outcome.training[1].train == 12 * 16 * 2
    assert outcome.training[1].forward == 5 * 6
