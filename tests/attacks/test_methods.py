"""Properties of every method, and the table of methods."""

import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.core.settings import Sgd, SignSteps
from attacks.methods import ENTRY_POINTS, METHODS, method, methods
from attacks.methods.sep_chen23 import Sep
from attacks.recipes.drawn import Drawn
from attacks.task import Task

MakeTask = Callable[..., Task]

SIMPLE = ("lsp-yu22", "ar-sandoval22", "ops-wu23", "cuda-sadasivan23")
SURROGATES = ("em-fu22", "em-fu22-aligned", "rem-fu22", "sem-liu24", "asr-fang24")
OTHERS = (
    "em-huang21",
    "em-huang21-classwise",
    "tap-fowl21",
    "pil-liu26",
    "aue-wang24",
    "aue-wang24-classwise",
    "aap-wang24",
    "aap-wang24-untargeted",
)
FEATURES = (
    "mi-ue-zhu26",
    "mi-ue-zhu26-code",
    "entf-push-wen23",
    "entf-pull-wen23",
    "sep-chen23",
    "dune-wang26-without-lpips",
    "bait-li26",
    "gue-liu24",
)


def test_every_method_is_tried() -> None:
    assert set(METHODS) == {"clean", "random", *SIMPLE, *SURROGATES, *OTHERS, *FEATURES}


@pytest.mark.parametrize("name", METHODS)
def test_noise_is_bounded_and_its_cost_known(name: str, task: MakeTask) -> None:
    reports: list[tuple[int, int]] = []
    given = replace(task(rho_u=5), report=lambda done, of: reports.append((done, of)))
    made = METHODS[name].recipe.make(given)
    assert made.noise.shape == given.images.shape
    if METHODS[name].bounded:
        assert made.noise.dtype == torch.int8
        assert made.noise.abs().max() == (0 if name == "clean" else 5)
    else:
        assert made.noise.dtype in {torch.int8, torch.int16}
        assert made.noise.abs().max() > 5
    assert made.passes == METHODS[name].recipe.passes(given.settings, len(given.images))
    assert reports == [(done, len(reports)) for done in range(1, len(reports) + 1)]


@pytest.mark.parametrize("name", [*SURROGATES, *OTHERS, *FEATURES])
def test_progress_reaches_the_end(name: str, task: MakeTask) -> None:
    reports: list[tuple[float, float]] = []
    given, recipe = task(), METHODS[name].recipe
    passes = recipe.passes(given.settings, len(given.images))
    made = recipe.make(replace(given, passes=passes, report=lambda done, of: reports.append((done, of))))
    assert made.passes == passes
    assert reports == sorted(reports)
    assert reports[-1][0] == reports[-1][1]


@pytest.mark.parametrize("name", ["tap-fowl21", "entf-push-wen23", "sep-chen23"])
def test_progress_is_that_of_the_work(name: str, task: MakeTask) -> None:
    shares: list[float] = []
    given, recipe = task(), METHODS[name].recipe
    passes = recipe.passes(given.settings, len(given.images))
    made = recipe.make(replace(given, passes=passes, report=lambda done, of: shares.append(done / of)))
    assert made.passes.train
    noise = 12 * 3 * (2 if name.startswith("sep") else 1)  # images, sign steps, checkpoints
    assert shares[2] == pytest.approx((passes.work - noise - 0.5 * passes.forward) / passes.work)  # three updates


@pytest.mark.parametrize("name", [name for name in METHODS if name not in {"clean", "ops-wu23"}])
def test_the_seed_decides_the_noise(name: str, task: MakeTask) -> None:
    one, same, other = (METHODS[name].recipe.make(task(seed=seed)).noise for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", [*SURROGATES, *OTHERS, *FEATURES])
def test_chunks_do_not_change_the_noise(name: str, task: MakeTask) -> None:
    # in fp64 rounding does not change the sign of a derivative
    small, large = (METHODS[name].recipe.make(task(precision="fp64", chunk=chunk)).noise for chunk in (3, 500))
    assert torch.equal(small, large)


def test_random_noise_covers_the_range(task: MakeTask) -> None:
    noise = METHODS["random"].recipe.make(task(count=40)).noise
    counts = torch.bincount(noise.flatten().int() + 8, minlength=17)
    share = noise.numel() / 16  # expected per whole number; the two ends of the range get half
    assert len(counts) == 17
    assert all(abs(count - share) < 5 * share**0.5 for count in counts[1:-1].tolist())
    assert all(abs(count - share / 2) < 5 * share**0.5 for count in counts[[0, -1]].tolist())


def test_radius_zero_makes_no_attack(task: MakeTask) -> None:
    for name in SURROGATES:
        given = task(rho_a=0)
        made = METHODS[name].recipe.make(given)
        assert made.passes == METHODS[name].recipe.passes(given.settings, len(given.images))
        assert made.passes.attack == (3 * 5 + 12) * 3 * (1 if name.startswith("em") else 2)


def test_descent_lowers_the_loss_of_the_surrogate(task: MakeTask, literal: ModuleType) -> None:
    network = literal.tiny(3, seed=2)
    given = task(network=network, descent=SignSteps(steps=8, step=0.2), sgd=Sgd(lr=1e-9))
    noise = METHODS["em-fu22-aligned"].recipe.make(given).noise

    def loss(shift: Tensor) -> float:
        images = (given.images + shift).clamp(0, 255).float() / 255
        with torch.no_grad():
            return float(functional.cross_entropy(network.eval()(images), given.labels))

    clean = loss(torch.zeros_like(noise))
    by_chance = abs(loss(METHODS["random"].recipe.make(task()).noise) - clean)
    assert clean - loss(noise) > 20 * by_chance


class Blind(nn.Module):
    """A network whose logits do not depend on the image, so that every derivative is exactly zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.arange(3.0))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :1] * 0 + self.bias


def test_a_zero_derivative_leaves_the_noise(task: MakeTask) -> None:
    noise = METHODS["em-fu22-aligned"].recipe.make(task(network=Blind(), descent=SignSteps(steps=4, step=1))).noise
    assert len(noise.unique()) == 17


@pytest.mark.parametrize("name", ["em-fu22", "sem-liu24"])
def test_the_last_surrogate_is_trained(name: str, task: MakeTask, literal: ModuleType) -> None:
    network = literal.tiny(3, seed=2)
    before = network.head.weight.clone()
    METHODS[name].recipe.make(task(network=network))
    assert not torch.equal(network.head.weight, before)


@pytest.mark.parametrize(
    ("alias", "name"), [("em", "em-fu22"), ("rem", "rem-fu22"), ("sem", "sem-liu24"), ("random", "random")]
)
def test_names_and_aliases(alias: str, name: str) -> None:
    assert method(alias).name == method(name).name == name


@pytest.mark.parametrize(("name", "near"), [("sem-liu25", "sem-liu24"), ("rme", "rem"), ("clena", "clean")])
def test_an_unknown_name_suggests_one(name: str, near: str) -> None:
    with pytest.raises(RequestError, match=rf"unknown method '{name}'; did you mean '{near}'\?"):
        method(name)


@pytest.mark.parametrize("name", METHODS)
def test_a_card_says_what_a_method_needs_and_where_it_is_from(name: str) -> None:
    found = METHODS[name]
    assert found.surrogate or not ("network" in found.recipe.reads or found.recipe.pretrained)
    assert found.protects or (found.granularity, found.labels, found.surrogate) == ("sample", False, False)
    if paper := found.paper:
        assert re.fullmatch(r"[a-z]+20\d\d[a-z]+", paper.key)
        assert str(paper.year) in paper.key
        assert paper.venue.endswith(str(paper.year))
        assert re.fullmatch(r"arXiv:\d{4}\.\d{5}|doi:10\.\d+/\S+|openreview:\w+", paper.identifier)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+|", paper.code)
        assert all(" " in author for author in paper.authors)


PACKAGE = """
from attacks.recipes.drawn import Drawn
from attacks.spec import Method

def zeros(task):
    return task.images.new_zeros(task.images.shape).char()

MINE = Method(name="{name}", aliases={aliases}, title="", bound="0", source="", recipe=Drawn(draw=zeros))
"""


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, aliases: tuple[str, ...] = ()) -> None:
    """Make a package provide a method."""
    module = f"brings_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(PACKAGE.format(name=name, aliases=aliases))
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("mine", f"{module}:MINE", ENTRY_POINTS)
    monkeypatch.setattr("attacks.core.packages.points", lambda group: (point,) if group == ENTRY_POINTS else ())


def test_a_package_brings_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: MakeTask) -> None:
    install(tmp_path, monkeypatch, "mine-me30", ("mine",))
    assert list(methods()) == [*METHODS, "mine-me30"]
    made = method("mine").recipe.make(task())
    assert not made.noise.any()
    assert made.passes == Passes()


@pytest.mark.parametrize(("name", "aliases"), [("clean", ()), ("em", ()), ("mine-me30", ("sem",))])
def test_a_taken_name_is_refused(
    name: str, aliases: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, name, aliases)
    taken = (*aliases, name)[0]
    with pytest.raises(
        RequestError, match=f"method {taken!r} of .*:MINE is already defined; fix or uninstall the package"
    ):
        methods()


@pytest.mark.parametrize(("name", "aliases"), [("blocks doe26", ()), ("sem/v2", ()), ("b" * 81, ()), ("mine", ("-m",))])
def test_a_name_that_cannot_stand_in_records_is_refused(
    name: str, aliases: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, name, aliases)
    wrong = (*aliases, name)[0]
    with pytest.raises(
        RequestError, match=f"^method {wrong!r} of .* needs another name: .*; fix or uninstall the package$"
    ):
        methods()


def test_drawn_noise_is_reported_when_it_is_there(task: MakeTask) -> None:
    happened = []

    def draw(given: Task) -> Tensor:
        happened.append("drawn")
        return given.images.char()

    Drawn(draw=draw).make(replace(task(), report=lambda _done, _all: happened.append("reported")))
    assert happened == ["drawn", "reported"]


def test_more_checkpoints_than_steps_are_refused() -> None:
    with pytest.raises(ValidationError, match="cannot keep 30 checkpoints of 20 steps"):
        Sep.model_validate({"pretraining": 20, "checkpoints": 30, "descent": {"steps": 1, "step": 0.5}})
