from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.errors import StoppedError
from attacks.core.optimiser import DivergedError, Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, Precision, Sgd, SignSteps
from attacks.core.state import Keeper, NullKeeper, State
from attacks.engine.frozen import FrozenNetwork
from victims.countermeasures.mixup import MIXUP
from victims.countermeasures.spec import Countermeasure
from victims.countermeasures.standard import STANDARD
from victims.countermeasures.ueraser import UERASER
from victims.recipes.spec import TrainingRecipe
from victims.recipes.supervised import SUPERVISED
from victims.settings import VictimSettings
from victims.train import LabelledImages, Training, train

PADDING = 2


def split(count: int, seed: int) -> LabelledImages:
    """Return noisy images whose class is their brightest channel."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 200, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    images[torch.arange(count), labels] += 55
    return LabelledImages(images=images, labels=labels)


def numbers(**changes: object) -> VictimSettings:
    given: dict[str, object] = {
        "steps": 7,
        "batch": 8,
        "sgd": Sgd(lr=0.1, momentum=0.9, weight_decay=0.05, milestones=(3, 5), gamma=0.3),
        "attack": SignSteps(steps=2, step=0.7),
        "evaluate_every": 3,
        "robust_attack": SignSteps(steps=3, step=0.5),
        "robust_images": 9,
    }
    return VictimSettings.model_validate(given | changes)


def training(
    literal: ModuleType,
    *,
    rho_a: float = 4,
    countermeasure: Countermeasure = STANDARD,
    recipe: TrainingRecipe = SUPERVISED,
    precision: Precision = "fp32",
    seed: int = 0,
    report: Callable[[float, float], None] = lambda _done, _all: None,
    **changes: object,
) -> Training:
    return Training(
        network=literal.tiny(3, seed=1),
        train=split(20, seed=2),
        test=split(15, seed=3),
        classes=3,
        rho_a=rho_a,
        recipe=recipe,
        countermeasure=countermeasure,
        settings=numbers(**changes),
        augment=Augment(padding=PADDING),
        generator=torch.Generator().manual_seed(seed),
        runtime=Runtime(device=torch.device("cpu"), precision=precision, chunk=6),
        report=report,
        keeper=NullKeeper(),
    )


def largest(losses: Tensor) -> Tensor:
    return losses.amax(0)


def pixels(images: Tensor) -> list[Tensor]:
    return list(images.double() / 255)


@pytest.mark.parametrize("rho_a", [0, 4])
def test_training_is_the_literal_one(rho_a: float, literal: ModuleType) -> None:
    task, again = (training(literal, rho_a=rho_a, precision="fp64") for _ in range(2))
    outcome = train(task)
    network, given = again.network.double(), again.settings
    train_images, test_images = pixels(again.train.images), pixels(again.test.images)
    train_labels, test_labels = again.train.labels.tolist(), again.test.labels.tolist()
    curve = literal.train_victim(
        network,
        train_images,
        train_labels,
        test_images,
        test_labels,
        rho_a,
        given,
        PADDING,
        again.generator,
    )
    for name, tensor in task.network.state_dict().items():
        torch.testing.assert_close(tensor, network.state_dict()[name], rtol=1e-9, atol=1e-12, check_stride=False)
    found = [(step, score.accuracy, score.loss) for step, score in outcome.curve]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(curve))
    assert outcome.accuracy_train == pytest.approx(literal.score(network, train_images, train_labels)[0])
    if rho_a:
        chosen = [i * len(test_images) // given.robust_images for i in range(given.robust_images)]
        images, labels = [test_images[i] for i in chosen], [test_labels[i] for i in chosen]
        attacked = literal.attack_all(network, images, labels, rho_a, given.robust_attack, again.generator)
        assert outcome.accuracy_robust == pytest.approx(literal.score(network, attacked, labels)[0])
    assert torch.equal(task.generator.get_state(), again.generator.get_state())


@pytest.mark.parametrize(
    ("steps", "every", "evaluated"), [(7, 3, [3, 6, 7]), (6, 3, [3, 6]), (2, 5, [2]), (3, 1, [1, 2, 3])]
)
def test_the_last_step_is_always_evaluated(steps: int, every: int, evaluated: list[int], literal: ModuleType) -> None:
    reports: list[tuple[float, float]] = []
    task = training(
        literal,
        rho_a=0,
        steps=steps,
        evaluate_every=every,
        report=lambda done, of: reports.append((done, of)),
    )
    assert [step for step, _ in train(task).curve] == evaluated
    assert len(reports) == steps
    assert reports == sorted(reports)
    done, of = reports[-1]
    assert of - done == 0.5 * (15 + 20)  # the last evaluations, of the test images and of the training images


@pytest.mark.parametrize(
    ("rho_a", "changes"),
    [(0, {}), (4, {}), (4, {"robust_images": 0}), (4, {"robust_images": 99}), (2, {"batch": 64, "evaluate_every": 7})],
)
def test_counted_passes_are_those_of_the_settings(rho_a: float, changes: dict[str, int], literal: ModuleType) -> None:
    task = training(literal, rho_a=rho_a, **changes)
    outcome = train(task)
    learnt, measured = outcome.training[1], outcome.evaluation[1]
    batch = min(task.settings.batch, 20)
    counted = SUPERVISED.passes(task.settings, STANDARD, rho_a=rho_a, images=20, tests=15)
    assert learnt + measured == counted
    assert (learnt.train, measured.train, learnt.forward) == (7 * batch, 0, 0)
    assert learnt.attack == (7 * batch * 2 if rho_a else 0)
    assert (outcome.accuracy_robust is None) == (measured.attack == 0)


def test_standard_training_makes_no_attack(literal: ModuleType) -> None:
    outcome = train(training(literal, rho_a=0))
    assert outcome.accuracy_robust is None
    assert outcome.training[1].attack == outcome.evaluation[1].attack == 0


def test_it_learns(literal: ModuleType) -> None:
    outcome = train(training(literal, rho_a=0, steps=60, evaluate_every=60, sgd=Sgd(lr=0.1)))
    assert outcome.curve[-1][1].accuracy >= 80
    assert outcome.accuracy_train >= 80
    assert outcome.curve[-1][1].loss < 0.8


def test_divergence_is_said(literal: ModuleType) -> None:
    with pytest.raises(DivergedError, match=r"training diverged: the loss is (nan|inf) within 3 steps"):
        train(training(literal, rho_a=0, sgd=Sgd(lr=1e30)))


def test_the_seed_decides_the_result(literal: ModuleType) -> None:
    one, same, other = (train(training(literal, seed=seed)) for seed in (0, 0, 1))
    assert (one.curve, one.accuracy_train, one.accuracy_robust) == (
        same.curve,
        same.accuracy_train,
        same.accuracy_robust,
    )
    assert one.curve != other.curve


@pytest.mark.parametrize(
    ("precision", "countermeasure"),
    [
        ("fp64", STANDARD),
        ("bf16", STANDARD),
        ("fp32", replace(UERASER, mix=MIXUP.mix, draws=2, early=0.5, loss=largest)),
    ],
    ids=["fp64", "bf16", "countermeasures"],
)
def test_training_in_pieces_is_the_same(
    literal: ModuleType,
    precision: Precision,
    countermeasure: Countermeasure,
    cut_after: Callable[[int, State | None], Keeper],
) -> None:
    whole = train(training(literal, precision=precision, countermeasure=countermeasure))
    state: State | None = None
    pieces = 0
    while True:
        keeper = cut_after(2, state)
        # the state replaces all but the first seed
        given = training(literal, precision=precision, countermeasure=countermeasure, seed=pieces)
        pieces += 1
        try:
            outcome = train(replace(given, keeper=keeper))
        except StoppedError:
            state = keeper.restored()
            continue
        break
    assert pieces == 7
    assert outcome.curve == whole.curve
    assert (outcome.accuracy_train, outcome.accuracy_robust) == (whole.accuracy_train, whole.accuracy_robust)
    assert outcome.training[1] == whole.training[1]
    assert outcome.evaluation[1] == whole.evaluation[1]


class Recorder:
    """A countermeasure that changes images by known amounts and checks what it is given."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def augment(self, images: Tensor, generator: torch.Generator) -> Tensor:
        self.order.append("augment")
        assert images.unique().tolist() == pytest.approx([0, 0.2])  # a view of the images, zero outside
        return images + 0.5

    def mix(self, images: Tensor, labels: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        self.order.append("mix")
        assert images.unique().tolist() == pytest.approx([0.5, 0.7])
        assert labels.dtype == torch.int64
        return images, torch.full((len(images), classes), 1 / classes, dtype=images.dtype)

    def spec(self) -> Countermeasure:
        return Countermeasure(
            name="known",
            title="",
            source="",
            augment=self.augment,
            mix=self.mix,
        )


def test_hooks_are_called_in_their_places(literal: ModuleType) -> None:
    recorder = Recorder()
    task = training(literal, rho_a=4, countermeasure=recorder.spec())
    task.train.images.fill_(51)  # 0.2
    train(task)
    assert recorder.order == ["augment", "mix"] * 7


@pytest.mark.parametrize("rho_a", [0, 4])
def test_a_hook_that_returns_its_input_changes_nothing(rho_a: float, literal: ModuleType) -> None:
    def certain(images: Tensor, labels: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return images, functional.one_hot(labels, classes).to(images.dtype)

    same = replace(STANDARD, augment=lambda images, _: images, mix=certain)
    tasks = [training(literal, rho_a=rho_a, precision="fp64", countermeasure=known) for known in (STANDARD, same)]
    outcomes = [train(task) for task in tasks]
    assert outcomes[0].curve[-1][1].accuracy == outcomes[1].curve[-1][1].accuracy
    weights = [task.network.state_dict() for task in tasks]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-9, atol=1e-12)


def test_mixed_labels_are_learnt_and_attacked_as_both(literal: ModuleType) -> None:
    runtime = Runtime(device=torch.device("cpu"), precision="fp64", chunk=4)
    images = split(10, seed=4).images.double() / 255
    one, other = torch.arange(10) % 3, torch.arange(10) % 2
    share = torch.rand(10, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    both = share * functional.one_hot(one, 3) + (1 - share) * functional.one_hot(other, 3)
    frozen = FrozenNetwork(runtime.place(literal.tiny(3, seed=1)), images[:2], runtime)
    weight = share[:, :, None, None]
    expected = weight * frozen.gradient(images, one) + (1 - weight) * frozen.gradient(images, other)
    torch.testing.assert_close(frozen.gradient(images, both), expected)
    network = literal.tiny(3, seed=1).double()
    logits = network(images)
    losses = torch.stack([functional.cross_entropy(logits, labels, reduction="none") for labels in (one, other)], 1)
    expected_loss = (losses * torch.cat([share, 1 - share], 1)).sum(1).mean()
    learner = Optimiser(runtime.place(literal.tiny(3, seed=1)), Sgd(lr=0.1), runtime)
    torch.testing.assert_close(learner.step(images, both), expected_loss.detach())


@pytest.mark.parametrize("rho_a", [0, 4])
def test_one_draw_of_a_loss_is_the_plain_loss(rho_a: float, literal: ModuleType) -> None:
    tasks = [
        training(literal, rho_a=rho_a, precision="fp64", countermeasure=known)
        for known in (MIXUP, replace(MIXUP, loss=largest), replace(MIXUP, loss=lambda losses: losses.mean(0)))
    ]
    plain, *others = [train(task) for task in tasks]
    for other in others:
        assert other.training[1] == plain.training[1]
        for (_, one), (_, same) in zip(plain.curve, other.curve, strict=True):
            assert (same.accuracy, same.loss) == (one.accuracy, pytest.approx(one.loss, rel=1e-9))


def brighter(images: Tensor, generator: torch.Generator) -> Tensor:
    """Scale each image by a random factor, so that two draws of an image differ."""
    share = torch.rand(len(images), generator=generator, dtype=torch.float64).to(images.dtype)
    return images * share[:, None, None, None]


@pytest.mark.parametrize("worst", [True, False])
def test_a_loss_over_draws_is_the_literal_one(worst: bool, literal: ModuleType) -> None:
    against = replace(STANDARD, augment=brighter, draws=3, loss=largest if worst else None)
    task, again = (
        training(literal, rho_a=0, precision="fp64", countermeasure=against, steps=1, evaluate_every=1)
        for _ in range(2)
    )
    outcome = train(task)
    network, generator = again.network.double(), again.generator
    index = torch.randperm(20, generator=generator)[:8]
    views = literal.look_at_all(pixels(again.train.images[index]), again.augment, generator)
    share = torch.rand(24, generator=generator, dtype=torch.float64)
    drawn = [share[n * 8 + i] * views[i] for n in range(3) for i in range(8)]
    network.train()
    logits, labels = network(torch.stack(drawn)), again.train.labels[index].repeat(3)
    losses = functional.cross_entropy(logits, labels, reduction="none")
    picked = [max(losses[i], losses[8 + i], losses[16 + i]) for i in range(8)] if worst else list(losses)
    weights = dict(network.named_parameters())
    gradients = torch.autograd.grad(torch.stack(picked).mean(), list(weights.values()))
    sgd = again.settings.sgd
    for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
        expected = weight - sgd.lr * (gradient + sgd.weight_decay * weight)
        torch.testing.assert_close(task.network.get_parameter(name).data, expected.data, rtol=1e-9, atol=1e-12)
    assert torch.equal(task.generator.get_state(), generator.get_state())
    assert outcome.training[1] == Passes(train=24)


@pytest.mark.parametrize("rho_a", [0, 4])
def test_a_countermeasures_draws_are_counted(rho_a: float, literal: ModuleType) -> None:
    against = replace(STANDARD, augment=brighter, draws=3, loss=largest)
    task = training(literal, rho_a=rho_a, countermeasure=against)
    outcome = train(task)
    counted = SUPERVISED.passes(task.settings, against, rho_a=rho_a, images=20, tests=15)
    assert outcome.training[1] + outcome.evaluation[1] == counted
    assert outcome.training[1].train == 7 * 8 * 3


def test_early_draws_are_those_of_the_first_steps_alone(literal: ModuleType) -> None:
    sizes = []

    def seen(images: Tensor, generator: torch.Generator) -> Tensor:
        sizes.append(len(images))
        return brighter(images, generator)

    against = replace(STANDARD, augment=seen, draws=3, early=0.3, loss=largest)
    task = training(literal, rho_a=0, countermeasure=against)
    outcome = train(task)
    assert sizes == [24, 24, 8, 8, 8, 8, 8]
    counted = SUPERVISED.passes(task.settings, against, rho_a=0, images=20, tests=15)
    assert outcome.training[1] + outcome.evaluation[1] == counted
