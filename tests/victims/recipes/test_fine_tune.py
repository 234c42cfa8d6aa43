"""Fine-tuning and probing: which layers learn, at which rates, and on which images."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import timm
import torch
from torch import Tensor, nn

from attacks.core.errors import RequestError, StoppedError
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, Sgd, SignSteps
from attacks.core.state import Keeper, NullKeeper, State
from victims.countermeasures.standard import STANDARD
from victims.networks.build import build
from victims.recipes import TRAININGS
from victims.recipes.fine_tune import FineTune, head, late
from victims.settings import VictimSettings
from victims.train import LabelledImages, Training, train

SHORT = {
    "fine-tune": {"steps": 4, "batch": 6, "sgd": {"lr": 0.05, "last": 0}},
    "linear-probe": {"steps": 4, "batch": 6},
}
NUMBERS = VictimSettings(
    steps=6,
    batch=8,
    sgd=Sgd(lr=0.1),
    attack=SignSteps(steps=1, step=1),
    evaluate_every=4,
    robust_attack=SignSteps(steps=1, step=1),
    robust_images=4,
    **SHORT,
)


def task(training: str, network: nn.Module, *, rho_a: float = 0, seed: int = 0) -> Training:
    draw = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (30, 3, 32, 32), generator=draw, dtype=torch.uint8)
    labels = torch.arange(30) % 3
    return Training(
        network=network,
        train=LabelledImages(images=images[:20], labels=labels[:20]),
        test=LabelledImages(images=images[20:], labels=labels[20:]),
        classes=3,
        rho_a=rho_a,
        recipe=TRAININGS[training],
        countermeasure=STANDARD,
        settings=NUMBERS,
        augment=Augment(padding=2),
        generator=torch.Generator().manual_seed(seed),
        runtime=Runtime(device=torch.device("cpu"), precision="fp32", chunk=20),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def small(name: str = "test_resnet") -> nn.Module:
    return build(name, classes=3, channels=3, size=32, seed=1)


def moved(training: str, name: str = "test_resnet") -> set[str]:
    given = task(training, small(name))
    before = {key: tensor.clone() for key, tensor in given.network.state_dict().items()}
    train(given)
    return {key for key, tensor in given.network.state_dict().items() if not torch.equal(tensor, before[key])}


@pytest.mark.parametrize("training", ["fine-tune-head", "linear-probe"])
def test_a_frozen_networks_outputs_do_not_change(training: str) -> None:
    given = task(training, small())
    features: list[Tensor] = []
    given.network.network.get_classifier().register_forward_pre_hook(
        lambda _, inputs: features.append(inputs[0].detach().clone())
    )
    given.network.eval()(given.runtime.pixels(given.test.images))
    train(given)
    given.network.eval()(given.runtime.pixels(given.test.images))
    assert torch.equal(features[0], features[-1])
    assert moved(training) == {"network.fc.weight", "network.fc.bias"}


def test_all_layers_learn_in_plain_fine_tuning() -> None:
    state = small().state_dict()
    assert moved("fine-tune") == {name for name in state if "normalise" not in name}


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("test_resnet", "network.conv1", "network.layer4"),
        ("test_vit", "network.patch_embed", "network.blocks.5"),
        ("vgg16_bn_fu22-w8", "network.features.0", "network.features.40"),
    ],
)
def test_the_first_stages_stay_in_late_fine_tuning(name: str, first: str, last: str) -> None:
    changed = moved("fine-tune-late", name)
    assert not any(key.startswith(first) for key in changed)
    assert any(key.startswith(last) for key in changed)
    victim = small(name)
    head = {id(module) for module in victim.network.get_classifier().modules()}
    for frozen in (0.9, 0.99):
        assert head & {id(module) for module in late(victim, frozen)}


def test_a_later_parameter_of_the_network_itself_does_not_thaw_the_first_stages() -> None:
    network = timm.create_model("visformer_tiny", img_size=32, num_classes=3)
    found = list(late(nn.Sequential(OrderedDict(network=network)), 0.5))
    learning = {id(parameter) for module in found for parameter in module.parameters()}
    assert id(network.patch_embed1.proj.weight) not in learning
    assert id(network.head.weight) in learning
    assert network not in found


def test_layers_without_weights_train_with_those_around_them() -> None:
    victim = small("vgg16_bn_fu22-w8")
    trained = {id(layer) for part in late(victim, 0.5) for layer in part.modules()}
    dropouts = {id(layer) for layer in victim.modules() if isinstance(layer, nn.Dropout)}
    assert dropouts
    assert dropouts <= trained


def test_a_network_with_two_classifiers_has_two_heads() -> None:
    network = timm.create_model("deit_tiny_distilled_patch16_224", num_classes=3, depth=1)
    found = list(head(SimpleNamespace(network=network)))
    assert found == [network.head, network.head_dist]


def test_a_network_without_stages_is_refused() -> None:
    with pytest.raises(RequestError, match="does not know the stages of Linear; use fine-tune"):
        late(nn.Sequential(OrderedDict(network=nn.Linear(2, 2))), 0.5)
    with pytest.raises(RequestError, match=r"Linear has no get_classifier\(\), as timm's networks do; give it one"):
        TRAININGS["linear-probe"].check(NUMBERS, nn.Sequential(OrderedDict(network=nn.Linear(2, 2))))


def test_the_rate_falls_along_half_a_cosine() -> None:
    (stage,) = TRAININGS["fine-tune"].stages(NUMBERS)
    assert stage.rate is not None
    assert [stage.rate(step) for step in range(4)] == pytest.approx(
        [0.05 * (1 + math.cos(math.pi * step / 4)) / 2 for step in range(4)]
    )
    assert stage.largest_gradient == 5
    assert FineTune().steps == 60 * (50_000 // 128)


def test_a_probe_sees_images_as_they_are() -> None:
    seen: list[Tensor] = []
    given = task("linear-probe", small())
    given.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    train(given)
    known = {tuple(image.flatten()[:64].tolist()) for image in given.runtime.pixels(given.train.images)}
    learnt = [image for batch in seen if len(batch) == 6 for image in batch]
    assert len(learnt) == 24
    assert all(tuple(image.flatten()[:64].tolist()) in known for image in learnt)


@pytest.mark.parametrize("training", ["fine-tune", "fine-tune-late", "linear-probe"])
@pytest.mark.parametrize("rho_a", [0, 4])
def test_image_passes_are_those_planned(training: str, rho_a: float) -> None:
    given = task(training, small(), rho_a=rho_a)
    outcome = train(given)
    counted = TRAININGS[training].passes(NUMBERS, STANDARD, rho_a=rho_a, images=20, tests=10)
    assert outcome.training[1] + outcome.evaluation[1] == counted


def test_a_cut_changes_nothing(cut_after: Callable[[int, State | None], Keeper]) -> None:
    whole = train(task("fine-tune-late", small()))
    keeper = cut_after(3, None)
    with pytest.raises(StoppedError):
        train(replace(task("fine-tune-late", small()), keeper=keeper))
    given = task("fine-tune-late", small(), seed=1)  # the state replaces the seed
    resumed = train(replace(given, keeper=cut_after(100, keeper.restored())))
    assert resumed.curve == whole.curve
