"""The plan of a grid: its cells, their keys and their costs."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from attacks import methods as methods_module
from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.core.settings import Augment
from attacks.methods import METHODS
from bench.config.cells import NETWORKS, own_tables
from bench.config.load import load_grid, load_protocol
from bench.config.models import Grid, NoiseCell, Protocol, Setup
from bench.data import Places
from bench.data.survey import Survey, read_files
from bench.data.tree import Tree
from bench.run.draws import stream
from bench.run.plan import Plan, make_plan
from victims.countermeasures import COUNTERMEASURES
from victims.networks.weights.hub import Hub
from victims.networks.weights.packaged import LITE0
from victims.recipes import TRAININGS

MakePlan = Callable[..., Plan]


def labels(plan: Plan) -> list[str]:
    return [job.cell.label for job in plan.jobs]


def numbers(data: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and value of every number in a setup."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from numbers(value, (*prefix, key))
        else:
            yield (*prefix, key), value


SETUP = load_protocol("smoke-v1").setup.model_dump(mode="json")
WEIGHTS = {"victims": ("tf_efficientnet_lite0.in1k",)}
# A component's own table, and the cells that read it.
READERS: dict[tuple[str, str], dict[str, Any]] = {
    **{
        ("noise", own.table): {"methods": (known.name,)}
        for known in METHODS.values()
        for own in own_tables(known.recipe.reads)
    },
    ("noise", "pretrained"): {"methods": ("bait-li26",)},
    **{
        ("victim", own.table): {"trainings": (known.name,), **WEIGHTS}
        for known in TRAININGS.values()
        for own in own_tables(known.reads)
    },
    **{
        ("countermeasure", own.table): {"countermeasures": (known.name,)}
        for known in COUNTERMEASURES.values()
        for own in own_tables(known.reads)
    },
    ("victim", "pretrained"): WEIGHTS,
}
# a shift has no size, and the numbers of one optimiser do not fit another
NUMBERS = [path for path, value in numbers(SETUP) if path != ("augment", "size") and value != "adamw"]


def other(value: Any) -> Any:
    """Return another valid value."""
    words = {
        "bf16": "fp32",
        "torch": "timm",
        "shift": "resized-crop",
        "by-size": "small",
        LITE0.name: "resnet18.tv_in1k",
    }
    if isinstance(value, str):
        return words.get(value, "vgg16_bn")
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, 1000]
    return value / 2 or 0.25 if isinstance(value, float) else (value or 0) + 1


def changed(path: tuple[str, ...]) -> Setup:
    data = load_protocol("smoke-v1").setup.model_dump(mode="json")
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = other(part[path[-1]])
    return Setup.model_validate(data)


def keys(setup: Setup, places: Places, **grid_fields: Any) -> tuple[set[str], set[str]]:
    """Return the keys of noises and of victims under one protocol name."""
    grid, _ = load_grid("smoke", ["datasets=cifar10", "methods=em", "victims=resnet18-w8", "radii=[0]"])
    plan = make_plan(grid.model_copy(update=grid_fields), Protocol(name="p", title="", setup=setup), places)
    noises = {job.cell.key for job in plan.jobs if job.cell is job.noise}
    return noises, {job.cell.key for job in plan.jobs} - noises


def test_lists_are_crossed_noises_first(plan_of: MakePlan) -> None:
    assert labels(plan_of("seeds=[0,1]", "methods=em")) == [
        "cifar10/em-fu22/noise/s0",
        "cifar10/em-fu22/noise/s1",
        "cifar10/em-fu22/resnet18-w8/r0-s0",
        "cifar10/em-fu22/resnet18-w8/r4-s0",
        "cifar10/em-fu22/resnet18-w8/r0-s1",
        "cifar10/em-fu22/resnet18-w8/r4-s1",
    ]


def test_what_is_named_twice_is_one_cell(plan_of: MakePlan) -> None:
    twice = plan_of("methods=em,em-fu22,clean,em", "radii=[0,4,4.0]", "seeds=[0,0]", "datasets=cifar10,cifar10")
    assert sorted(labels(twice)) == sorted(labels(plan_of()))


def test_countermeasures_are_crossed_and_standard_goes_without_saying(plan_of: MakePlan) -> None:
    plan = plan_of("methods=em", "radii=[0]", "countermeasures=standard,grayscale")
    assert labels(plan) == [
        "cifar10/em-fu22/noise/s0",
        "cifar10/em-fu22/resnet18-w8/r0-s0",
        "cifar10/em-fu22/resnet18-w8/r0-s0-grayscale",
    ]


def test_shares_stand_beside_the_unprotected_part_alone(plan_of: MakePlan) -> None:
    plan = plan_of("methods=em", "radii=[4]", "shares=[0,20,80,100]", "setup.victim.robust_images=0")
    passes = {job.cell.label: job.passes for job in plan.jobs if job.cell is not job.noise}
    assert list(passes) == [
        "cifar10/em-fu22/resnet18-w8/r4-s0-p20",
        "cifar10/em-fu22/resnet18-w8/r4-s0-p80",
        "cifar10/em-fu22/resnet18-w8/r4-s0",
        "cifar10/clean/resnet18-w8/r4-s0",
        "cifar10/clean/resnet18-w8/r4-s0-p20-unprotected",
        "cifar10/clean/resnet18-w8/r4-s0-p80-unprotected",
    ]
    seen = [cost.forward for cost in passes.values()]  # the last evaluation includes the training images
    assert [seen[0] - count for count in seen] == [0, 0, 0, 0, 10_000, 40_000]


def test_versions_of_a_countermeasure_are_different_victims(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    noises, victims = keys(Setup.model_validate(SETUP), places)
    corrected = replace(COUNTERMEASURES["standard"], version=2)
    monkeypatch.setitem(COUNTERMEASURES, "standard", corrected)
    new_noises, new_victims = keys(Setup.model_validate(SETUP), places)
    assert noises == new_noises
    assert not victims & new_victims


@pytest.mark.parametrize("name", ["em", "em-fu22"])
def test_exclusion_leaves_cells_out_by_a_methods_name_or_alias(name: str, places: Places) -> None:
    grid, protocol = load_grid("smoke", ["datasets=cifar10", "methods=em,clean", "victims=resnet18-w8"])
    data = grid.model_dump() | {"exclude": [{"method": name, "rho_a": 4}]}
    found = labels(make_plan(Grid.model_validate(data), protocol, places))
    assert "cifar10/em-fu22/resnet18-w8/r4-s0" not in found
    assert len(found) == 5


def test_more_than_anyone_can_do_can_be_planned(places: Places) -> None:
    grid, protocol = load_grid("smoke", [f"setup.{part}.steps={2**53}" for part in ("noise", "victim")])
    assert max(job.passes.attack for job in make_plan(grid, protocol, places).jobs) > 2**60


def test_noise_whose_victims_are_all_excluded_is_not_made(places: Places) -> None:
    grid, protocol = load_grid("smoke", ["datasets=cifar10", "methods=em,clean", "victims=resnet18-w8"])
    data = grid.model_dump() | {"exclude": [{"method": "em"}]}
    assert not [label for label in labels(make_plan(Grid.model_validate(data), protocol, places)) if "em" in label]


@pytest.mark.parametrize(
    ("exclusion", "words"),
    [
        ({"seed": 0}, "exclusions remove every cell"),
        ({"method": "emm"}, "grid 'smoke': an exclusion names an unknown method 'emm'; "),
        ({"victim": "resnet50"}, "grid 'smoke': an exclusion names an unknown victim 'resnet50'; did you mean"),
        ({"share": 0}, "grid 'smoke': an exclusion names an unknown share '0'; "),
    ],
)
def test_wrong_exclusions_are_refused(exclusion: dict[str, Any], words: str, places: Places) -> None:
    grid, protocol = load_grid("smoke", ["datasets=cifar10", "shares=[0,20]"])
    with pytest.raises(RequestError, match=words):
        make_plan(Grid.model_validate(grid.model_dump() | {"exclude": [exclusion]}), protocol, places)


@pytest.mark.parametrize(
    ("change", "near"),
    [("methods=ems", "'em'"), ("datasets=cifar", "one of: cifar10, "), ("countermeasures=cutot", "'cutout'")],
)
def test_unknown_names_are_refused_with_the_nearest(change: str, near: str, plan_of: MakePlan) -> None:
    with pytest.raises(RequestError, match=near):
        plan_of(change)


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
def test_a_number_is_in_the_key_of_what_reads_it_and_of_nothing_else(
    path: tuple[str, ...], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_weights: Hub) -> Path:
        raise RequestError("fetch them first")

    monkeypatch.setattr(Hub, "_path", nowhere)
    own = READERS.get(path[:2]) if len(path) > 2 else None
    for cells in ({}, own or {}):
        noises, victims = keys(Setup.model_validate(SETUP), places, **cells)
        new_noises, new_victims = keys(changed(path), places, **cells)
        is_read = own in (None, cells)
        assert (noises != new_noises) == (is_read and path[0] not in {"victim", "countermeasure"})
        assert (victims != new_victims) == is_read


@pytest.mark.parametrize("method", ["clean", "ops-wu23", "cuda-sadasivan23", "ar-sandoval22"])
def test_a_noise_that_reads_no_number_keeps_its_key(method: str, places: Places) -> None:
    noises, victims = keys(Setup.model_validate(SETUP), places, methods=(method,))
    for path in (("noise", "rho_u"), ("stem",), ("victim", "steps")):
        new_noises, new_victims = keys(changed(path), places, methods=(method,))
        assert noises == new_noises
        assert (victims == new_victims) == (path[0] == "noise")


def test_what_set_changes_draws_as_its_base_does(plan_of: MakePlan) -> None:
    """Changing a number of the noise alone leaves clean images and their victims as they are."""
    before, after = plan_of().jobs, plan_of("setup.noise.steps=61").jobs
    assert {job.cell.inputs["stream"] for job in (*before, *after)} == {"cifar10/smoke-v1"}
    one, other = (
        {(job.cell.label, job.cell.key) for job in jobs if job.cell.method == "clean"} for jobs in (before, after)
    )
    assert one == other
    assert {job.cell.protocol for job in before} != {job.cell.protocol for job in after}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("noise.alternating.class_updates", 3),
        ("noise.alternating.sgd", {"lr": 0.1}),
        ("noise.alternating.stem", "small"),
        ("noise.alternating.mean", 0.0),
        ("victim.augment", {"padding": 4}),
    ],
)
def test_a_number_that_may_be_absent_is_in_the_key_where_it_is_set(part: str, value: Any, places: Places) -> None:
    *parents, last = part.split(".")
    data = load_protocol("smoke-v1").setup.model_dump(mode="json")
    table = data
    for parent in parents:
        table = table[parent]
    assert last not in table
    cells = READERS.get(tuple(parents), {})
    before = keys(Setup.model_validate(data), places, **cells)
    table[last] = value
    noises, victims = keys(Setup.model_validate(data), places, **cells)
    assert not victims & before[1]
    assert (noises == before[0]) == (parents == ["victim"])
    table[last] = None  # the same as absent
    assert keys(Setup.model_validate(data), places, **cells) == before


def test_antialiasing_is_in_the_key(places: Places) -> None:
    crops = [{"kind": "resized-crop", "size": 24}, {"kind": "resized-crop", "size": 24, "antialias": True}]
    found = [keys(Setup.model_validate(SETUP | {"augment": crop}), places) for crop in crops]
    assert not found[0][0] & found[1][0]


def test_views_of_two_sizes_are_refused() -> None:
    crop = {"kind": "resized-crop", "size": 24}
    with pytest.raises(ValidationError, match="give both views the same `size`"):
        Setup.model_validate(SETUP | {"victim": SETUP["victim"] | {"augment": crop}})


def test_a_victims_own_view_must_fit_too(places: Places) -> None:
    setup = Setup.model_validate(SETUP | {"victim": SETUP["victim"] | {"augment": {"padding": 40}}})
    with pytest.raises(RequestError, match="a padding of 40, too much for images of 32 pixels"):
        keys(setup, places)


def test_size_of_views_is_in_the_key(places: Places) -> None:
    crops = [Augment(kind="resized-crop", size=size) for size in (24, 28)]
    found = [keys(Setup.model_validate(SETUP | {"augment": crop}), places) for crop in crops]
    assert not found[0][0] & found[1][0]
    assert not found[0][1] & found[1][1]


def test_versions_of_a_method_are_different_noises(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    noises, victims = keys(Setup.model_validate(SETUP), places)
    corrected = replace(METHODS["em-fu22"], version="another")
    monkeypatch.setattr(methods_module, "METHODS", METHODS | {"em-fu22": corrected})
    new_noises, new_victims = keys(Setup.model_validate(SETUP), places)
    assert not noises & new_noises
    assert not victims & new_victims


def test_a_network_is_an_input_from_the_second_version_of_its_family_on(plan_of: MakePlan) -> None:
    plan = plan_of(
        "methods=clean,em", "victims=mixer_s32_224-w32,resnet18-w8", "setup.noise.surrogate=vit_tiny_patch16_224"
    )
    stated = {
        (job.cell.method, getattr(job.cell, "victim", None)): {
            name: job.cell.inputs[name] for name in NETWORKS if name in job.cell.inputs
        }
        for job in plan.jobs
    }
    surrogate, network = {"surrogate": "vit_tiny_patch16_224/2"}, {"network": "mixer_s32_224-w32/2"}
    assert stated == {
        ("clean", None): {},
        ("clean", "resnet18-w8"): {},
        ("clean", "mixer_s32_224-w32"): network,
        ("em-fu22", None): surrogate,
        ("em-fu22", "resnet18-w8"): surrogate,
        ("em-fu22", "mixer_s32_224-w32"): surrogate | network,
    }


def tree(root: Path, shade: int) -> Path:
    for folder in ("train/a", "train/b", "test/a"):
        (root / folder).mkdir(parents=True)
        Image.fromarray(np.full((8, 8, 3), shade, dtype=np.uint8)).save(root / folder / "0.png")
    return root


def test_images_are_in_the_key_and_their_place_is_not(tmp_path: Path, places: Places) -> None:
    setup = Setup.model_validate(SETUP)
    found = [
        keys(setup, places, datasets=(f"folder:{tree(tmp_path / place / 'mine', shade)}",))
        for place, shade in (("one", 1), ("two", 2), ("copy", 1))
    ]
    assert found[0] == found[2]
    assert not found[0][0] & found[1][0]
    assert not found[0][1] & found[1][1]


def test_a_tree_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, plan_of: MakePlan, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_tree(tmp_path / "mine", {"train/a": 1, "train/b": 1, "test/a": 1})

    def read(listed: Tree) -> Survey:
        (root / "train/a/1.png").write_bytes((root / "train/a/0.png").read_bytes())
        return read_files(listed)

    monkeypatch.setattr("bench.data.survey.read_files", read)
    with pytest.raises(RequestError, match="mine changed while it was in use; rerun"):
        plan_of(f"datasets=folder:{root}")


def test_a_cache_that_cannot_be_written_changes_no_key(tmp_path: Path, places: Places) -> None:
    (tmp_path / "file").touch()
    nowhere = Places(data=places.data, cache=tmp_path / "file" / "cache")
    names = (f"folder:{tree(tmp_path / 'mine', 1)}",)
    one, other = (keys(Setup.model_validate(SETUP), at, datasets=names) for at in (nowhere, places))
    assert one == other


@pytest.mark.parametrize(("share", "protected"), [(16, 0), (84, 3)])
def test_a_share_of_none_or_all_images_is_refused_unless_it_is_excluded(
    share: int, protected: int, places: Places, write_tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "few", {"train/a": 2, "train/b": 1, "test/a": 1})
    grid, protocol = load_grid("smoke", [f"datasets=folder:{root}", "methods=em", f"shares=[0,50,{share},100]"])
    with pytest.raises(RequestError, match=f"a share of {share}% protects {protected} of the 3 training images of few"):
        make_plan(grid, protocol, places)
    left = Grid.model_validate(grid.model_dump() | {"exclude": [{"share": share}]})
    assert make_plan(left, protocol, places).jobs


def test_folder_named_in_two_ways_is_one_dataset(
    tmp_path: Path, plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path / "mine", 1)
    monkeypatch.chdir(tmp_path)
    assert len(plan_of(f"datasets=folder:{root},folder:mine").jobs) == 6


def test_a_datasets_own_numbers_count_for_it_alone(places: Places) -> None:
    grid, protocol = load_grid("full", ["methods=em", "seeds=[0]", "radii=[4]", "victims=resnet18"])
    found = {job.cell.dataset: job for job in make_plan(grid, protocol, places).jobs if job.cell is job.noise}
    assert found["cifar10"].setup.noise.descent.steps == 10
    assert found["imagenet-100"].setup.noise.descent.steps == 7
    assert found["cifar10"].shape == (3, 32)
    assert found["imagenet-100"].shape == (3, 224)


def test_networks_see_whole_images_where_the_protocol_cuts_none(places: Places) -> None:
    grid, protocol = load_grid("smoke", ["datasets=imagenet-100"])
    assert {job.shape for job in make_plan(grid, protocol, places).jobs} == {(3, 256)}


TABLE = "\n[datasets.{}.noise]\nsteps = 3\n"


def of_tables(names: Sequence[str], change: str, places: Places, folder: Path) -> Plan:
    """Plan a dataset with a protocol that has numbers of their own for the named ones."""
    text = 'base = "smoke-v1"\ntitle = "t"\n' + "".join(map(TABLE.format, names))
    (folder / "mine.toml").write_text(text)
    lists = ("methods=clean", "victims=resnet18-w8", "radii=[0]", f"protocol={folder / 'mine.toml'}")
    return make_plan(*load_grid("smoke", [*lists, change]), places)


@pytest.mark.parametrize(
    ("names", "change", "meant"),
    [
        (["cifar-10"], "datasets=cifar10", "cifar10"),
        (["CIFAR10", "svhn"], "datasets=cifar10", "cifar10"),
        (["Pets_32"], "datasets=folder:{pets}@32", "pets-32"),
    ],
)
def test_numbers_for_a_misspelt_dataset_are_refused(
    names: list[str], change: str, meant: str, places: Places, write_tree: Callable[..., Path], tmp_path: Path
) -> None:
    pets = write_tree(tmp_path / "pets", {"train/a": 1, "train/b": 1, "test/a": 1})
    said = f"protocol 'mine': unknown dataset '{names[0]}'; did you mean '{meant}'?"
    with pytest.raises(RequestError, match=re.escape(said)):
        of_tables(names, change.format(pets=pets), places, tmp_path)
    assert of_tables([*names, meant], change.format(pets=pets), places, tmp_path).jobs[0].setup.noise.steps == 3


def test_numbers_for_datasets_of_other_grids_are_not(
    places: Places, write_tree: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_tree(places.data / "more", {"train/a": 1, "train/b": 1, "test/a": 1}, size=(32, 32))
    of_tables(["cifar100", "cifar10"], "datasets=cifar10", places, tmp_path)
    of_tables(["cifars", "more"], "victims=resnet18-w8.more", places, tmp_path)
    assert caplog.messages == ["protocol 'mine': the numbers for 'cifars' are not used; no dataset here has that name"]


def test_passes_are_those_of_the_noise_and_of_each_victim(plan_of: MakePlan) -> None:
    plan = plan_of(
        "setup.noise.steps=10",
        "setup.noise.batch=100",
        "setup.noise.descent.steps=5",
        "setup.victim.steps=20",
        "setup.victim.batch=50",
        "setup.victim.attack.steps=3",
        "setup.victim.evaluate_every=8",
        "setup.victim.robust_attack.steps=4",
        "setup.victim.robust_images=30",
    )
    passes = {job.cell.label: job.passes for job in plan.jobs}
    assert passes["cifar10/clean/noise/s0"] == Passes()
    assert passes["cifar10/em-fu22/noise/s0"] == Passes(attack=(10 * 100 + 50_000) * 5, train=1000)
    at_0 = Passes(train=1000, forward=3 * 10_000 + 50_000)
    assert passes["cifar10/em-fu22/resnet18-w8/r0-s0"] == at_0
    assert passes["cifar10/clean/resnet18-w8/r4-s0"] == at_0 + Passes(attack=1000 * 3 + 30 * 4, forward=30)


def test_network_is_named_where_passes_go_through_one(plan_of: MakePlan) -> None:
    networks = {job.cell.label: job.network for job in plan_of("setup.noise.surrogate=resnet18-w16").jobs}
    assert networks["cifar10/clean/noise/s0"] is None
    assert networks["cifar10/em-fu22/noise/s0"] == "resnet18-w16"
    assert networks["cifar10/clean/resnet18-w8/r0-s0"] == "resnet18-w8"


def test_streams_differ_by_seed_and_purpose_and_never_by_run() -> None:
    def cell(seed: int, salt: str = "set/p") -> NoiseCell:
        return NoiseCell(dataset="set", method="m", seed=seed, protocol="p", inputs={"stream": salt})

    found = {stream(cell(seed), *names) for seed in (0, 1) for names in (("a",), ("b",), ("a", "b"))}
    assert len(found | {stream(cell(0, "set/q"), "a")}) == 7
    assert all(0 <= value < 2**63 for value in found)


def test_weights_are_in_the_key_and_in_the_name(plan_of: MakePlan, tmp_path: Path) -> None:
    paths = [tmp_path / name / "mine.safetensors" for name in ("one", "other")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(bytes([number]))
    names = [
        "tf_efficientnet_lite0",
        "tf_efficientnet_lite0.in1k",
        *(f"tf_efficientnet_lite0:{path}" for path in paths),
    ]
    found = {}
    for name in names:
        plan = plan_of("methods=em", "radii=[0]", f"victims={json.dumps([name])}")
        found[name] = next(job for job in plan.jobs if job.cell is not job.noise)
        assert found[name].network == name
    scratch, shipped, one, other = (found[name].cell for name in names)
    assert [cell.victim.partition(".")[2] for cell in (scratch, shipped, one, other)] == ["", "in1k", "mine", "mine"]
    assert len({cell.key for cell in (scratch, shipped, one, other)}) == 4
    assert shipped.inputs == scratch.inputs | {"weights": f"sha256/{LITE0.sha256}"}
    assert one.numbers == scratch.numbers
    assert shipped.numbers == scratch.numbers | {"victim.pretrained": {"side": 48}}


@pytest.mark.parametrize("training", ["fine-tune", "fine-tune-late", "fine-tune-head", "linear-probe"])
def test_what_starts_from_weights_is_given_some(training: str, plan_of: MakePlan) -> None:
    with pytest.raises(
        RequestError, match=rf"training '{training}' needs a victim with weights, not 'resnet18-w8'; give"
    ):
        plan_of(f"trainings={training}")
    both = ("methods=em", "radii=[0]", "victims=resnet18-w8,tf_efficientnet_lite0.in1k", f"trainings={training}")
    plan = plan_of(*both, 'exclude=[{victim="resnet18-w8"}]')
    assert labels(plan)[1:] == [f"cifar10/em-fu22/tf_efficientnet_lite0.in1k/r0-s0-{training}"]


def test_a_surrogate_is_trained_from_scratch(plan_of: MakePlan) -> None:
    with pytest.raises(RequestError, match=r"surrogate 'tf_efficientnet_lite0\.in1k' names weights"):
        plan_of("methods=em", "setup.noise.surrogate=tf_efficientnet_lite0.in1k")
