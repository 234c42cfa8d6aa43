from collections import Counter

import pytest
from pydantic import ValidationError

from attacks.methods import METHODS
from bench.cli.listing import TABLES
from bench.report.reported.beside import bands
from bench.report.reported.published import Published, published, sources
from bench.report.text import band_text
from victims.networks.papers import NETWORKS

STANDARD = ("standard", 100, "all")


def test_every_cell_is_valid_and_has_a_source() -> None:
    cells, cited = published(), sources()
    assert len(cells) > 300
    assert {cell.source for cell in cells} == set(cited)
    assert {cell.copy_of for cell in cells if cell.copy_of} <= set(cited)
    assert {cell.grade for cell in cells} <= {"V", "V2", "C"}


def test_a_source_says_one_thing_of_a_cell() -> None:
    fields = {"accuracy", "grade", "copy_of", "note"}
    counts = Counter(cell.model_dump_json(exclude=fields) for cell in published())
    assert not {text for text, count in counts.items() if count > 1}


@pytest.mark.parametrize(
    "change", [{"grade": "R"}, {"accuracy": 101}, {"share": -1}, {"part": "half"}, {"rho_a": -1}, {"cite": "x"}]
)
def test_a_wrong_cell_is_refused(change: dict[str, object]) -> None:
    right = published()[0].model_dump()
    assert Published.model_validate(right) == published()[0]
    (name,) = change
    with pytest.raises(ValidationError, match=rf"1 validation error for Published\n{name}\n"):
        Published.model_validate(right | change)


def test_runs_and_their_spread_are_kept_and_listed() -> None:
    spread = [cell for cell in published() if cell.spread is not None]
    assert {cell.source for cell in spread} == {"bridgepure-2025"}
    assert all(cell.runs == 5 for cell in published() if cell.source == "bridgepure-2025")
    found = {(cell.dataset, cell.method, cell.rho_a): (cell.accuracy, cell.spread) for cell in spread}
    assert found["cifar10", "lsp-yu22", 0.0] == (13.85, 0.96)
    assert found["cifar10", "ops-wu23", 8.0] == (9.60, 1.58)
    assert found["imagenet-subset", "em (variant unknown)", 0.0] == (6.83, 0.68)
    head, rows = TABLES["reported"]()
    cells = [dict(zip(head, row, strict=True)) for row in rows]
    listed = {(row["method"], row["accuracy"], row["runs"]) for row in cells if row["dataset"] == "cifar10"}
    assert {("lsp-yu22", "13.85 \u00b1 0.96", "5"), ("mi-ue-zhu26", "70.56", "")} <= listed


@pytest.mark.parametrize(("rho_a", "lowest"), [(0, 9.95), (2, 17.39), (4, 29.77), (6, 45.55), (8, 70.56)])
def test_the_adversarially_trained_victims_of_mi_ue_are_all_there(rho_a: float, lowest: float) -> None:
    cells = [
        cell
        for cell in published()
        if (cell.source, cell.dataset, cell.victim, cell.rho_a) == ("mi-ue-2026", "cifar10", "resnet18", rho_a)
    ]
    assert {"clean", "em (variant unknown)", "rem-fu22", "sem-liu24", "tue", "mi-ue-zhu26"} <= {
        cell.method for cell in cells
    }
    assert min(cell.accuracy for cell in cells) == lowest


def test_names_that_are_not_sure_match_no_method() -> None:
    unsure = {cell.method for cell in published() if "(" in cell.method}
    assert unsure == {"em (variant unknown)", "rem (APBench's own)", "inf (variant unknown)"}
    assert not unsure & set(METHODS)


def test_timms_vgg_densenet_and_wide_resnet_are_in_no_paper() -> None:
    named = {cell.victim for cell in published()}
    assert set(NETWORKS) <= named
    assert not {"vgg16_bn", "densenet121", "wide_resnet50_2"} & named


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (("rem-fu22", "resnet18", "supervised", 4.0, *STANDARD), "[reported 39.45\u201348.16, 2 sources]"),
        (("sem-liu24", "resnet18", "supervised", 4.0, *STANDARD), "[reported 29.77]"),
        (("em-fu22", "resnet18", "supervised", 0.0, *STANDARD), "[reported 13.20]"),
        (("em-huang21", "resnet18", "supervised", 0.0, *STANDARD), "[reported 19.58\u201324.22, 3 sources]"),
        (("em-huang21-classwise", "resnet18", "supervised", 4.0, *STANDARD), "[reported 33.18]"),
        (("sem-liu24", "resnet18", "supervised", 0.0, "orthogonal-projection", 100, "all"), "[reported 15.99]"),
        (("tap-fowl21", "resnet18", "supervised", 0.0, "cutmix-apbench", 100, "all"), "[reported 14.21]"),
        (("tap-fowl21", "resnet18", "supervised", 0.0, "cutmix", 100, "all"), ""),
        (("clean", "resnet18", "supervised", 4.0, "standard", 80, "unprotected"), "[reported 79.41]"),
        (("rem-fu22", "resnet18", "supervised", 4.0, "standard", 80, "all"), "[reported 88.09]"),
        (("rem-fu22", "resnet18", "supervised", 4.0, "standard", 80, "unprotected"), ""),
        (("sem-liu24", "resnet18", "supervised", 3.0, *STANDARD), ""),
        (("rem-fu22", "vgg16_bn_fu22", "supervised", 4.0, *STANDARD), "[reported 65.23]"),
        (("rem-fu22", "densenet121_fu22", "supervised", 4.0, *STANDARD), "[reported 81.48]"),
        (("cuda-sadasivan23", "wrn34_10_fu22", "supervised", 4.0, *STANDARD), "[reported 53.02]"),
        (("sem-liu24", "densenet121_fu22", "supervised", 0.0, *STANDARD), ""),
    ],
)
def test_bands_hold_what_was_published(cell: tuple[object, ...], text: str) -> None:
    assert band_text(bands("cifar10", "paper-v1").get(cell)) == text


def test_a_copy_does_not_count_twice() -> None:
    assert (
        band_text(bands("imagenet-100", "paper-v1")["rem-fu22", "resnet18", "supervised", 0.0, *STANDARD])
        == "[reported 13.74]"
    )


@pytest.mark.parametrize("protocol", ["lite-v1", "smoke-v1", "paper-v1+abc123"])
def test_other_protocols_are_set_beside_nothing(protocol: str) -> None:
    assert bands("cifar10", protocol) == {}
