"""Countermeasures that learn: on small photographs, each does its job, costs what it states and can be interrupted."""

import gc
from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage import data
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.errors import StoppedError
from attacks.core.runtime import Runtime
from attacks.core.settings import Section
from attacks.core.state import Keeper, NullKeeper, State
from attacks.engine.frozen import FrozenNetwork
from victims.countermeasures import countermeasure
from victims.countermeasures.adversarial_noise import memory
from victims.countermeasures.autoencoder import Autoencoder
from victims.countermeasures.d_vae import memory_of_both
from victims.countermeasures.spec import Pairs, Preparation

COUNT, SIDE, CLASSES = 480, 8, 3
LABELS = torch.arange(COUNT) % CLASSES
LEAKED = torch.arange(0, COUNT, 4)
NUMBERS = {
    "adversarial-noise": {"steps": 60, "batch": 32, "hidden": 64, "sgd": {"lr": 0.05}},
    "d-vae": {"steps": 60, "batch": 32, "width": 8, "code": 16, "free": 11},
    "leaked-pairs": {"steps": 120, "batch": 32, "width": 8, "optimiser": {"kind": "adamw", "lr": 0.003}},
}
FEW = {
    "adversarial-noise": {"steps": 5, "batch": 32, "hidden": 16},
    "d-vae": {"steps": 3, "batch": 32, "width": 2, "code": 2, "free": 1},
    "leaked-pairs": {"steps": 5, "batch": 32, "width": 2},
}


@pytest.fixture(scope="module")
def clean() -> Tensor:
    """Square crops of photographs, uint8 (COUNT, 3, SIDE, SIDE)."""
    draw = np.random.default_rng(0)
    small = [photo()[::4, ::4] for photo in (data.astronaut, data.coffee, data.chelsea)]
    squares = []
    for number in range(COUNT):
        photo = small[number % len(small)]
        top, left = (draw.integers(side - SIDE) for side in photo.shape[:2])
        squares.append(photo[top : top + SIDE, left : left + SIDE])
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()


@pytest.fixture(scope="module")
def pattern() -> Tensor:
    """The noise of each class, plus or minus 8/255."""
    drawn = torch.randint(0, 2, (CLASSES, 3, 2, 2), generator=torch.Generator().manual_seed(3))
    return (16 * drawn - 8).repeat_interleave(4, 2).repeat_interleave(4, 3)


@pytest.fixture(scope="module")
def protected(clean: Tensor, pattern: Tensor) -> Tensor:
    return (clean.int() + pattern[LABELS]).clamp(0, 255).to(torch.uint8)


Prepare = Callable[..., Tensor]


@pytest.fixture
def prepare(clean: Tensor, protected: Tensor) -> Prepare:
    """Return a function that prepares the protected images and checks that the cost is the planned one."""

    def go(
        name: str,
        numbers: dict[str, object],
        keeper: Keeper | None = None,
        seed: int = 1,
        report: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> Tensor:
        torch.manual_seed(0)
        known, settings = countermeasure(name), Section.model_validate({name: numbers})
        assert known.prepare is not None
        assert known.passes is not None
        made = known.prepare(
            Preparation(
                images=protected,
                labels=LABELS,
                test=protected[:2],
                pairs=Pairs(clean=clean[LEAKED], protected=protected[LEAKED]) if known.pairs else None,
                classes=CLASSES,
                settings=settings,
                network=lambda name: pytest.fail(f"{name} is not asked for"),
                generator=torch.Generator().manual_seed(seed),
                runtime=Runtime(device=torch.device("cpu"), precision="fp32"),
                report=report,
                keeper=keeper or NullKeeper(),
            )
        )
        assert made.passes == known.passes(settings, COUNT)
        assert made.test is None
        return made.images

    return go


def separability(images: Tensor) -> float:
    """Return the accuracy of a linear classifier on images that it was not fitted to."""
    pixels, half = images.flatten(1).numpy() / 255, COUNT // 2
    fitted = LogisticRegression(max_iter=300).fit(pixels[:half], LABELS[:half].numpy())
    return float(fitted.score(pixels[half:], LABELS[half:].numpy()))


def likeness(images: Tensor, others: Tensor) -> float:
    return float(np.corrcoef(images.flatten().numpy(), others.flatten().numpy())[0, 1])


def error(images: Tensor, clean: Tensor) -> float:
    return float((images.double() - clean.double()).square().mean())


def test_d_vae_takes_away_what_tells_the_classes(prepare: Prepare, clean: Tensor, protected: Tensor) -> None:
    purified = prepare("d-vae", NUMBERS["d-vae"])
    assert separability(protected) > 0.9
    assert separability(purified) < 0.65  # as for clean images
    assert likeness(purified, clean) > 0.5


def test_the_divergence_is_that_of_the_code_summed_over_channels(clean: Tensor) -> None:
    torch.manual_seed(0)
    network = Autoencoder(3, (SIDE, SIDE), CLASSES, width=2, code=5)
    images = clean[:6].float() / 255
    inner = network._encoder(images)
    code = Normal(network._mean(inner), (network._spread(inner) / 2).exp())
    expected = kl_divergence(code, Normal(0, 1)).sum(1).mean()
    seen = network(images, LABELS[:6], torch.Generator())
    torch.testing.assert_close(seen.divergence, expected)
    other = network(images, 2 - LABELS[:6], torch.Generator())
    assert torch.equal(seen.image, other.image)  # it does not depend on the class
    changed = (seen.noise != other.noise).flatten(1).any(1)
    assert changed.tolist() == (LABELS[:6] != 2 - LABELS[:6]).tolist()


def test_leaked_pairs_take_the_noise_off_images_that_did_not_leak(
    prepare: Prepare, clean: Tensor, protected: Tensor
) -> None:
    purified = prepare("leaked-pairs", NUMBERS["leaked-pairs"])
    rest = torch.ones(COUNT, dtype=torch.bool)
    rest[LEAKED] = False
    assert error(purified[rest], clean[rest]) < 0.6 * error(protected[rest], clean[rest])


def test_adversarial_noise_hides_the_classes_inside_its_radius(prepare: Prepare, protected: Tensor) -> None:
    disturbed = prepare("adversarial-noise", NUMBERS["adversarial-noise"])
    moved = (disturbed.int() - protected.int()).abs()
    assert moved.amax() == 8
    assert moved.double().mean() > 5
    assert separability(disturbed) < separability(protected) - 0.1


def test_adversarial_noise_is_the_literal_one(prepare: Prepare, protected: Tensor) -> None:
    numbers = {"steps": 3, "batch": COUNT, "hidden": 16, "sgd": {"lr": 0.01}}
    found = prepare("adversarial-noise", numbers)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 16), nn.ReLU(), nn.Linear(16, CLASSES))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    draw, pixels = torch.Generator().manual_seed(1), protected.float() / 255

    def attacked(images: Tensor, labels: Tensor, step: float) -> Tensor:
        moved = images
        for _ in range(10):
            leaf = moved.clone().requires_grad_()
            (slope,) = torch.autograd.grad(functional.cross_entropy(network(leaf), labels, reduction="sum"), leaf)
            moved = (moved + step / 255 * slope.sign()).clamp(images - 8 / 255, images + 8 / 255).clamp(0, 1)
        return moved

    for _ in range(3):
        order = torch.randperm(COUNT, generator=draw)
        loss = functional.cross_entropy(network(attacked(pixels[order], LABELS[order], 2)), LABELS[order])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    expected = (255 * attacked(pixels, LABELS, 1)).round().to(torch.uint8)
    assert (found == expected).double().mean() > 0.999  # a slope of nearly zero may have either sign


@pytest.mark.parametrize("name", FEW)
def test_in_pieces_it_is_the_same(
    name: str, prepare: Prepare, cut_after: Callable[[int, State | None], Keeper], protected: Tensor
) -> None:
    whole = prepare(name, FEW[name])
    assert not torch.equal(whole, protected)
    state: State | None = None
    pieces = 0
    while True:
        keeper = cut_after(3, state)
        pieces += 1
        try:
            found = prepare(name, FEW[name], keeper, seed=pieces)  # the state replaces all but the first seed
        except StoppedError:
            state = keeper.restored()
            continue
        break
    assert pieces == 3
    assert torch.equal(found, whole)


@pytest.mark.parametrize("name", FEW)
def test_passes_are_those_that_the_networks_made(name: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = dict.fromkeys(("attack", "train", "forward"), 0)
    kind = {"adversarial-noise": "Sequential", "d-vae": "Autoencoder", "leaked-pairs": "UNet"}[name]
    original, slope = nn.Module.__call__, FrozenNetwork.gradient

    def counted(module: nn.Module, *given: Tensor) -> object:
        if type(module).__name__ == kind and given[0].shape[1:] == (3, SIDE, SIDE):
            if module.training:
                seen["train"] += len(given[0])
            elif kind != "Sequential":  # it is in eval mode only for attacks
                seen["forward"] += len(given[0])
        return original(module, *given)

    def sloped(network: FrozenNetwork, images: Tensor, labels: Tensor) -> Tensor:
        seen["attack"] += len(images)
        return slope(network, images, labels)

    monkeypatch.setattr(nn.Module, "__call__", counted)
    monkeypatch.setattr(FrozenNetwork, "gradient", sloped)
    prepare(name, FEW[name])
    found = countermeasure(name).passes
    assert found is not None
    assert found(Section.model_validate({name: FEW[name]}), COUNT) == Passes(**seen)


def test_adversarial_noise_states_the_memory_of_as_many_units_as_values() -> None:
    assert memory(Section(), (3, 256, 256), CLASSES)[0] == 12 * (3 * 256 * 256) ** 2
    few = Section.model_validate({"adversarial-noise": {"hidden": 7}})
    assert memory(few, (3, 256, 256), CLASSES)[0] == 12 * 3 * 256 * 256 * 7


def test_d_vae_states_the_memory_that_it_holds(prepare: Prepare) -> None:
    gc.collect()  # what other tests left
    held: set[int] = set()

    def count(_done: int, _all: int) -> None:
        every = gc.get_objects()
        weights = [weight for one in every if type(one) is Autoencoder for weight in one.parameters()]
        optimisers = [one for one in every if type(one) is torch.optim.AdamW]
        kept = [value for one in optimisers for state in one.state.values() for value in state.values() if value.ndim]
        slopes = [weight.grad for weight in weights if weight.grad is not None]
        held.add(sum(tensor.nbytes for tensor in (*weights, *kept, *slopes)))

    prepare("d-vae", FEW["d-vae"], report=count)
    assert held == {memory_of_both(Section.model_validate({"d-vae": FEW["d-vae"]}), (3, SIDE, SIDE), CLASSES)[0]}


def test_the_memory_of_d_vae_grows_with_the_classes_and_is_stated_without_a_draw() -> None:
    before = torch.get_rng_state()
    few, many = (memory_of_both(Section(), (3, 224, 224), classes)[0] for classes in (10, 1000))
    assert many - few == 990 * 20 * 128 * 112 * 112
    assert torch.equal(torch.get_rng_state(), before)


def test_attacks_of_radius_0_make_no_passes() -> None:
    known = countermeasure("adversarial-noise")
    assert known.passes
    few = FEW["adversarial-noise"]
    assert known.passes(Section(**{"adversarial-noise": few | {"radius": 0}}), COUNT) == Passes(train=5 * 32)
    assert known.passes(Section(**{"adversarial-noise": few}), COUNT).attack > 0
