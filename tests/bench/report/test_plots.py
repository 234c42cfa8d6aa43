"""Figures hold what the records say, and their tables hold what the figures show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attacks.core.errors import RequestError
from bench.records.frame import load_curves, load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import plots
from bench.report.claims import Claims
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius_table
from bench.report.plots.cells import like_clean
from bench.report.plots.claims_forest import claims_forest_table, pages_of
from bench.report.plots.contact_sheet import contact_sheet_table
from bench.report.plots.cost_vs_protection import cost_vs_protection_table
from bench.report.plots.countermeasure_bars import countermeasure_bars_table
from bench.report.plots.protection_share import UNPROTECTED, protection_share_table
from bench.report.plots.rank_diagram import rank_diagram_table
from bench.report.plots.strongest_trainer import strongest_trainer_table
from bench.report.plots.training_cost import training_cost_table
from bench.report.plots.training_curves import training_curves_table
from bench.report.plots.transfer_heat_map import transfer_heat_map_table
from bench.report.summary import groups
from bench.report.verdicts import answers

CLAIMS = {
    "scale": [
        {
            "name": "synthetic",
            "title": "Synthetic",
            "dataset": "synthetic",
            "protocol": "test-v1",
            "victims": {"resnet": "resnet18", "vgg": "vgg16_bn"},
        }
    ],
    "claim": [
        {
            "name": "protects",
            "source": "a paper",
            "grade": "V",
            "text": "EM protects.",
            "first": {"method": "em-fu22"},
            "second": {"method": "clean"},
            "says": "lower",
            "victims": ["resnet", "vgg"],
            "scales": ["synthetic"],
        },
        {
            "name": "cheaper",
            "source": "a paper",
            "grade": "V",
            "text": "SEM costs less.",
            "first": {"method": "rem-fu22", "measure": "image-passes"},
            "second": {"method": "sem-liu24", "measure": "image-passes"},
            "says": "times",
            "by": 2,
            "scales": ["synthetic"],
        },
        {
            "name": "unmeasured",
            "source": "a paper",
            "grade": "V",
            "text": "TAP protects.",
            "first": {"method": "tap-fowl21"},
            "second": {"method": "clean"},
            "says": "lower",
            "scales": ["synthetic"],
        },
    ],
}

Make = Callable[..., VictimRecord]


@pytest.fixture
def axes_records(tmp_path: Path, make_victim: Make) -> pd.DataFrame:
    """Two seeds of one victim with countermeasures and shares; the accuracies identify the records."""
    store = Store(tmp_path)
    cells = [
        ("clean", 90.0, {}),
        ("clean", 70.0, {"share": 40, "part": "unprotected"}),
        ("clean", 88.0, {"countermeasure": "cutout"}),
        ("em-fu22", 20.0, {}),
        ("em-fu22", 60.0, {"share": 40}),
        ("em-fu22", 50.0, {"countermeasure": "jpeg-10"}),
        ("em-fu22", 30.0, {"countermeasure": "cutout"}),
        ("sem-liu24", 10.0, {}),
    ]
    for seed in range(2):
        for method, accuracy, axes in cells:
            store.write(make_victim(method, "resnet18", 0.0, seed, accuracy + seed, axes=axes))
    return load_records(tmp_path)


def after_a_correction(folder: Path, make_victim: Make, *before: str) -> pd.DataFrame:
    """Return records of a corrected network at two costs, with a countermeasure and shares; some methods' are older."""
    store = Store(folder)
    newer = {"inputs": {"network": "resnet18/2"}}
    for method in ("clean", "em-fu22", "sem-liu24"):
        part = {"share": 40, "part": "unprotected" if method == "clean" else "all"}
        for rho_a, axes in ((0.0, {}), (4.0, {}), (0.0, {"countermeasure": "cutout"}), (0.0, part)):
            cell = {} if method in before else newer
            store.write(make_victim(method, "resnet18", rho_a, 0, 50.0, axes=axes, cell=cell))
    rows = load_records(folder)
    return rows.assign(train_passes=1000 * (1 + rows["rho_a"]))


def words_of_legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn(panel: Axes) -> list[list[list[float]]]:
    return [np.asarray(line.get_xydata()).tolist() for line in panel.get_lines()]


def test_every_seed_has_a_line_against_the_radius_and_so_has_clean(results: Path) -> None:
    rows = load_records(results)
    table = accuracy_vs_radius_table(rows, victim="resnet18")
    sem = table[table["method"] == "sem-liu24"]
    assert sem.groupby("seed")["accuracy"].agg(list).to_dict() == {
        0: [18.0, 24.0, 30.0],
        1: [18.75, 24.75, 30.75],
        2: [19.5, 25.5, 31.5],
    }
    figure = plots.accuracy_vs_radius(rows, victim="resnet18")
    panels = {panel.get_title(): panel for panel in figure.axes}
    assert list(panels) == ["random (3)", "em-fu22 (3)", "rem-fu22 (3)", "sem-liu24 (3)"]
    lines = drawn(panels["sem-liu24 (3)"])
    assert lines[3:] == [[[0, low], [2, low + 6], [4, low + 12]] for low in (18.0, 18.75, 19.5)]
    clean = table[table["method"] == "clean"].groupby("seed")["accuracy"].agg(list)
    assert [[y for _, y in line] for line in lines[:3]] == clean.tolist()


def test_a_line_against_the_radius_is_of_one_version_of_the_method(tmp_path: Path, make_victim: Make) -> None:
    """The middle radius was not rerun, so its point stands alone."""
    for rho_a, accuracy in ((0.0, 60.0), (2.0, 50.0), (4.0, 65.0)):
        newer = {} if rho_a == 2 else {"inputs": {"method": "em-fu22/9"}}
        Store(tmp_path).write(make_victim("em-fu22", "resnet18", rho_a, 0, accuracy, cell=newer))
    (panel,) = plots.accuracy_vs_radius(load_records(tmp_path), victim="resnet18").axes
    assert sorted(drawn(panel)) == [[[0, 60], [4, 65]], [[2, 50]]]


def test_a_point_alone_is_marked_among_many(tmp_path: Path, make_victim: Make) -> None:
    """Of six radii, one was not rerun, neither of the method nor of clean images."""
    for method in ("clean", "em-fu22"):
        for rho_a in range(6):
            newer = {} if rho_a == 2 else {"inputs": {"method": f"{method}/9"}}
            Store(tmp_path).write(make_victim(method, "resnet18", float(rho_a), 0, 50.0, cell=newer))
    (panel,) = plots.accuracy_vs_radius(load_records(tmp_path), victim="resnet18").axes
    marked = [(len(np.asarray(line.get_xydata())), line.get_marker()) for line in panel.get_lines()]
    assert sorted(marked) == [(1, "o")] * 2 + [(5, "None")] * 2


def test_clean_images_of_no_method_are_not_in_the_legend(tmp_path: Path, make_victim: Make) -> None:
    rows = after_a_correction(tmp_path, make_victim, "clean")
    figure = plots.accuracy_vs_radius(rows, victim="resnet18")
    assert words_of_legend(figure) == ["one seed"]
    assert "§" not in figure.get_supxlabel()


def test_one_radius_is_no_plot_and_the_reason_is_said(results: Path) -> None:
    rows = load_records(results)
    one = rows[rows["rho_a"] == 2]
    with pytest.raises(RequestError, match="fewer than two radii of resnet18 are finished"):
        plots.accuracy_vs_radius(one, victim="resnet18")
    with pytest.raises(RequestError, match="fewer than two victims are finished at radius 2"):
        plots.transfer_heat_map(one[one["victim"] == "resnet18"], rho_a=2)
    with pytest.raises(RequestError, match="fewer than two trainers of different, known cost"):
        plots.training_cost(one)


def test_countermeasures_and_shares_enter_no_other_mean(axes_records: pd.DataFrame) -> None:
    more = pd.concat([axes_records, axes_records.assign(victim="vgg16_bn", rho_a=4.0)], ignore_index=True)
    heat = transfer_heat_map_table(more.assign(rho_a=0.0))
    assert heat["mean"].tolist() == [90.5, 90.5, 20.5, 20.5, 10.5, 10.5]
    radii = accuracy_vs_radius_table(more.assign(victim="resnet18"), victim="resnet18")
    assert radii["accuracy"].tolist() == [90, 91, 90, 91, 20, 21, 20, 21, 10, 11, 10, 11]
    assert set(rank_diagram_table(axes_records)["cells"]) == {2}


def test_the_heat_map_shows_every_field_and_why_one_is_empty(results: Path) -> None:
    rows = load_records(results)
    table = transfer_heat_map_table(rows, rho_a=4).set_index(["method", "victim"])
    assert len(table) == 10
    assert table.loc[("em-fu22", "vgg16_bn"), "status"] == "failed"
    assert table.loc[("rem-fu22", "vgg16_bn"), "status"] == "missing"
    panel = plots.transfer_heat_map(rows, rho_a=4).axes[0]
    shown = np.ma.filled(panel.get_images()[0].get_array(), np.nan)
    assert np.array_equal(shown, table["mean"].to_numpy().reshape(5, 2), equal_nan=True)
    words = [text.get_text() for text in panel.texts]
    assert words[4:8] == ["83.8", "failed", "42.8", "\N{EN DASH}"]


def test_names_of_victims_are_tilted_only_where_they_do_not_fit(results: Path) -> None:
    rows = load_records(results)
    few = plots.transfer_heat_map(rows).axes[0].get_xticklabels()
    many = pd.concat([rows.assign(victim=f"{name}-of-many") for name in ("resnet18", "vgg16_bn", "mobilenetv2_100")])
    tilted = plots.transfer_heat_map(many.drop_duplicates(["method", "victim", "rho_a", "seed"])).axes[0]
    assert {label.get_rotation() for label in few} == {0}
    assert {label.get_rotation() for label in tilted.get_xticklabels()} == {30}


def test_unbeaten_is_what_no_cheaper_method_of_its_bound_beats_beyond_doubt(
    tmp_path: Path, make_victim: Make, make_noise: Callable[..., NoiseRecord]
) -> None:
    store = Store(tmp_path)
    accuracies = {
        "clean": (0, 90.0, {}),
        "em-fu22": (1000, 50.0, {}),
        "sem-liu24": (2000, 20.0, {}),
        "rem-fu22": (3000, 30.0, {}),  # costlier and worse than SEM, beyond doubt
        "tap-fowl21": (4000, 20.2, {}),  # costlier and a little worse, perhaps by chance
        "cuda-sadasivan23": (0, 60.0, {"bound": "none", "bounded": False}),  # cheaper and better than OPS, no bound
        "ops-wu23": (0, 80.0, {"bound": "one pixel", "bounded": False}),
    }
    for seed in range(6):
        for method, (passes, accuracy, bound) in accuracies.items():
            store.write(make_noise(method, seed, passes, **bound))
            for victim in ("resnet18", "vgg16_bn"):
                wobble = (seed * 7 + len(method) * 3) % 5 / 4
                store.write(make_victim(method, victim, 0.0, seed, accuracy + wobble))
    rows = load_records(tmp_path)
    table = cost_vs_protection_table(rows, victim="resnet18").set_index("method")
    assert table.loc[["cuda-sadasivan23", "ops-wu23", "sem-liu24"], "cost"].tolist() == [0, 0, 2000]
    assert table["track"].to_dict()["ops-wu23"] == "other bound"
    assert table.index[~table["unbeaten"]].tolist() == ["clean", "rem-fu22"]
    figure = plots.cost_vs_protection(rows, victim="resnet18")
    assert words_of_legend(figure) == [
        "not beaten at its cost or less (95%, same kind of bound)",
        "beaten at its cost or less (95%)",
    ]
    panel = figure.axes[0]
    assert panel.get_xlim()[0] < 0
    assert panel.get_xticks()[0] == 0
    shown = {text.get_text() for text in panel.texts}
    assert shown == {f"{name}{'†' * ('-w' in name or 'cuda' in name)} (6)" for name in accuracies}
    pale = [line for line in panel.get_lines() if line.get_alpha() == 0.3]
    point, beside_its_name = (float(np.asarray(line.get_xdata()).item()) for line in pale)
    assert point == 3000
    assert beside_its_name > 1  # in panel widths


def test_costs_in_seconds_are_those_of_one_device(results: Path) -> None:
    table = cost_vs_protection_table(load_records(results), victim="resnet18", rho_a=4, device="Synthetic GPU")
    assert table.loc[table["method"] == "sem-liu24", "cost"].tolist() == [391.0]
    elsewhere = cost_vs_protection_table(load_records(results), victim="resnet18", device="another")
    assert elsewhere.empty


def test_the_strongest_trainer_is_marked_and_named(results: Path) -> None:
    rows = load_records(results)
    table = strongest_trainer_table(rows)
    sem = table[(table["method"] == "sem-liu24") & table["strongest"]]
    assert sem[["trainer", "n", "mean", "worst", "clean"]].to_numpy().tolist() == [
        ["vgg16_bn, rho_a 4", 3, 34.75, 35.5, 89.95]
    ]
    assert table.groupby("method")["strongest"].sum().tolist() == [1] * 5
    assert table["method"].drop_duplicates().tolist() == ["clean", "random", "sem-liu24", "rem-fu22", "em-fu22"]
    panel = plots.strongest_trainer(rows).axes[0]
    assert "vgg16_bn, rho_a 4\nn=3, 6/6 trainers" in [text.get_text() for text in panel.texts]


def test_trainers_made_against_a_method_are_not_counted_among_those_of_the_suite(results: Path) -> None:
    rows = load_records(results)
    sem = rows[(rows["method"] == "sem-liu24") & (rows["victim"] == "resnet18") & (rows["rho_a"] == 0)]
    adaptive = sem.assign(countermeasure="cutout", adaptive=True, accuracy_final=99.0)
    rows = pd.concat([rows, adaptive], ignore_index=True)
    table = strongest_trainer_table(rows).query("method == 'sem-liu24'")
    assert table[["trainers", "of_trainers"]].to_numpy().tolist() == [[6, 6]] * 7
    said = [text.get_text() for text in plots.strongest_trainer(rows).axes[0].texts]
    assert sorted(text.split(", ")[-1] for text in said) == ["5/6 trainers"] * 2 + ["6/6 trainers"] * 3


def test_clean_images_are_beside_results_of_the_same_versions_only(tmp_path: Path, make_victim: Make) -> None:
    rows = after_a_correction(tmp_path, make_victim, "sem-liu24")
    costs = training_cost_table(rows)
    assert costs.groupby("method")["clean"].agg(list).to_dict() == {
        "clean": [50, 50, 50],
        "em-fu22": [50, 50, 50],
        "sem-liu24": [pytest.approx(np.nan, nan_ok=True)] * 3,
    }
    shares = protection_share_table(rows, victim="resnet18")
    assert set(shares["method"]) == {"em-fu22", "sem-liu24", UNPROTECTED}
    assert set(shares.loc[shares["share"] == 0, "method"]) == {"em-fu22", UNPROTECTED}
    curves = load_curves(tmp_path)
    for figure, gone in (
        (plots.accuracy_vs_radius(rows, victim="resnet18"), 1),
        (plots.protection_share(rows, victim="resnet18"), 1),
        (plots.training_curves(curves, victim="resnet18", rho_a=4, alike=like_clean(rows, victim="resnet18")), 1),
        (plots.training_curves(curves, victim="resnet18", rho_a=4), 0),
    ):
        lines = {panel.get_title().rstrip("§ (1)"): len(panel.get_lines()) for panel in figure.axes}
        assert lines == {"em-fu22": 2, "sem-liu24": 2 - gone}
        assert len(words_of_legend(figure)) == 2
    bars = plots.countermeasure_bars(rows, victim="resnet18")
    dotted = {panel.get_title(): any(line.get_linestyle() == ":" for line in panel.get_lines()) for panel in bars.axes}
    assert dotted == {"clean (1)": True, "em-fu22 (1)": True, "sem-liu24§ (1)": False}


def test_older_clean_images_are_marked_in_the_legend(tmp_path: Path, make_victim: Make) -> None:
    rows = after_a_correction(tmp_path, make_victim, "clean", "em-fu22")
    for figure, name in (
        (plots.accuracy_vs_radius(rows, victim="resnet18"), "clean images§, one seed"),
        (plots.protection_share(rows, victim="resnet18"), f"{UNPROTECTED}§"),
        (plots.training_cost(rows), "on clean images§"),
    ):
        assert words_of_legend(figure)[1] == name
        assert "§ older version" in " ".join(figure.get_supxlabel().split())


def test_what_a_trainer_pays_is_beside_what_it_gets(results: Path) -> None:
    rows = load_records(results).assign(preparation_passes=50.0)
    rows.loc[rows["rho_a"] == 4, "train_passes"] = 9000.0
    table = training_cost_table(rows)
    here = table[(table["method"] == "sem-liu24") & (table["victim"] == "resnet18")]
    assert here[["cost", "mean", "clean"]].to_numpy().tolist() == [
        [1050, 18.75, 94.75],
        [1050, 24.75, 92.35],
        [9050, 30.75, 89.95],
    ]
    assert len(plots.training_cost(rows).axes) == 4


def test_trainers_without_an_image_pass_are_named_below_the_log_axis(results: Path) -> None:
    rows = load_records(results)
    rows.loc[rows["rho_a"] == 4, ["train_passes", "training"]] = [0.0, "linear-probe"]
    rows.loc[rows["rho_a"] == 2, "train_passes"] = 9000.0
    table = training_cost_table(rows)
    assert set(table.loc[table["cost"] == 0, "training"]) == {"linear-probe"}
    figure = plots.training_cost(rows)
    assert "left out (training takes no image-passes): linear-probe" in " ".join(figure.get_supxlabel().split())
    dots = [line for panel in figure.axes for line in panel.get_lines() if line.get_marker() == "o"]
    assert len(dots) == len(table[(table["cost"] > 0) & (table["method"] != "clean")])


def test_a_forest_of_claims_shows_the_answers_and_where_they_hold(results: Path) -> None:
    claims = Claims.model_validate(CLAIMS)
    found = answers(claims, groups(load_records(results)))
    table = claims_forest_table(found)
    assert table[["claim", "victim", "unit", "n", "mean"]].to_numpy().tolist() == [
        ["protects", "resnet18", "points", 3, -79.0],
        ["protects", "vgg16_bn", "points", 3, -75.0],
        ["cheaper", "resnet18", "ratio", 3, 10.0],
    ]
    figure = plots.claims_forest(found)
    differences, ratios = figure.axes
    texts = [text.get_text() for text in (*differences.texts, *ratios.texts)]
    assert texts == ["EM protects.", "SEM costs less."]
    assert [tick.get_text() for tick in differences.get_yticklabels()] == ["resnet18 (3)", "vgg16_bn (3)"]
    assert differences.get_xlim()[0] < -79
    with pytest.raises(RequestError, match="no claim was measured"):
        plots.claims_forest([answer for answer in found if answer.verdict == "not measured"])


def test_a_forest_of_claims_marks_older_records_and_its_table_has_all_that_it_shows(results: Path) -> None:
    rows = load_records(results)
    rows = rows.assign(older=(rows["method"] == "em-fu22") & (rows["victim"] == "resnet18"))
    found = answers(Claims.model_validate(CLAIMS), groups(rows))
    table = claims_forest_table(found)
    assert table[["older", "holds_low", "holds_high"]].to_numpy().tolist() == [
        [3, -np.inf, 0],
        [0, -np.inf, 0],
        [0, 2, np.inf],
    ]
    assert "-0.0" not in table.to_csv()
    figure = plots.claims_forest(found)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["resnet18§ (3)", "vgg16_bn (3)"]
    assert figure.get_supxlabel().endswith("§ older version")
    assert "§" not in plots.claims_forest([answer for answer in found if not answer.older]).get_supxlabel()


def test_the_text_of_a_claim_is_no_formula(results: Path) -> None:
    text = r"It costs $\frac{1}$ points."
    claims = Claims.model_validate(CLAIMS | {"claim": [CLAIMS["claim"][0] | {"text": text}]})
    figure = plots.claims_forest(answers(claims, groups(load_records(results))))
    figure.draw_without_rendering()
    assert [shown.get_text() for shown in figure.axes[0].texts] == [text]


def test_many_claims_take_several_figures_and_none_is_split(results: Path) -> None:
    many = [CLAIMS["claim"][0] | {"name": f"protects-{number}"} for number in range(60)]
    found = answers(Claims.model_validate(CLAIMS | {"claim": many}), groups(load_records(results)))
    parts = list(pages_of(found))
    assert len(parts) > 1
    assert [answer for part in parts for answer in part] == found
    assert all(plots.claims_forest(part).get_figheight() < 9.5 for part in parts)
    assert all(len([one for one in part if one.claim.name == part[-1].claim.name]) == 2 for part in parts)


def test_lines_against_the_share_start_at_clean_images(axes_records: pd.DataFrame) -> None:
    table = protection_share_table(axes_records, victim="resnet18")
    first = table[table["seed"] == 0]
    lines = {str(name): line[["share", "accuracy"]].to_numpy().tolist() for name, line in first.groupby("method")}
    assert lines == {
        "em-fu22": [[0, 90], [40, 60], [100, 20]],
        UNPROTECTED: [[0, 90], [40, 70]],
    }
    (panel,) = plots.protection_share(axes_records, victim="resnet18").axes
    assert all(line in drawn(panel) for line in lines.values())


@pytest.mark.usefixtures("axes_records")
def test_only_what_was_protected_in_part_starts_at_clean_images(tmp_path: Path, make_victim: Make) -> None:
    """Of the corrected method, only the share of 100% was rerun."""
    newer = {"inputs": {"method": "em-fu22/9"}}
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 25.0, cell=newer))
    (panel,) = plots.protection_share(load_records(tmp_path), victim="resnet18").axes
    own = [line for line in drawn(panel) if line[-1] != [40, 70] and line[-1] != [40, 71]]
    assert sorted(own) == [[[0, 90], [40, 60]], [[0, 91], [40, 61]], [[100, 25]]]


def test_bars_of_countermeasures_begin_with_none(axes_records: pd.DataFrame) -> None:
    table = countermeasure_bars_table(axes_records, victim="resnet18")
    assert table.loc[table["seed"] == 1, ["method", "countermeasure", "accuracy"]].to_numpy().tolist() == [
        ["clean", "standard", 91],
        ["clean", "cutout", 89],
        ["em-fu22", "standard", 21],
        ["em-fu22", "cutout", 31],
        ["em-fu22", "jpeg-10", 51],
    ]
    figure = plots.countermeasure_bars(axes_records, victim="resnet18")
    widths = {panel.get_title(): {bar.get_width() for bar in panel.patches} for panel in figure.axes}
    assert widths == {"clean (2)": {90.5, 88.5}, "em-fu22 (2)": {20.5, 30.5, 50.5}}
    dots = [np.asarray(line.get_xdata()).tolist() for line in figure.axes[1].get_lines()]
    assert [20, 21] in dots
    missing = {panel.get_title(): [(text.get_text(), text.xy[1]) for text in panel.texts] for panel in figure.axes}
    assert missing == {"clean (2)": [("\N{EN DASH}", 2)], "em-fu22 (2)": []}


def test_ranks_are_over_what_all_methods_have(tmp_path: Path, make_victim: Make) -> None:
    store = Store(tmp_path)
    accuracies = {
        "sem-liu24": (10.0, 10.0, 11.0, 11.0),
        "rem-fu22": (11.0, 9.5, 12.0, 10.5),
        "em-fu22": (60.0, 61.0, 61.0, 62.0),
        "clean": (90.0, 90.0, 91.0, 91.0),
    }
    for method, values in accuracies.items():
        for seed, value in enumerate(values):
            store.write(make_victim(method, "resnet18", 0.0, seed, value))
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 1.0))  # the other methods are missing there
    rows = load_records(tmp_path)
    table = rank_diagram_table(rows)
    assert table.to_numpy().tolist() == [
        ["rem-fu22", 1.5, 4, "1"],
        ["sem-liu24", 1.5, 4, "1"],
        ["em-fu22", 3.0, 4, ""],
    ]
    panel = plots.rank_diagram(rows).axes[0]
    assert drawn(panel)[:3] == [[[1.5, 0]], [[1.5, 1]], [[3, 2]]]
    assert [np.asarray(line.get_ydata()).tolist() for line in panel.get_lines()[3:]] == [[-0.3, 1.3]]


def test_a_method_with_few_cells_does_not_hide_those_of_the_others(tmp_path: Path, make_victim: Make) -> None:
    store = Store(tmp_path)
    for seed in range(4):
        for method, value in (("em-fu22", 60.0), ("sem-liu24", 10.0), ("rem-fu22", 30.0)):
            for victim in ("resnet18", "vgg16_bn")[: 1 + (method != "rem-fu22")]:  # REM has half of the cells
                store.write(make_victim(method, victim, 0.0, seed, value + seed))
    for seed in range(3):
        store.write(make_victim("cuda-sadasivan23", "resnet18", 0.0, seed, 5.0))
    rows = load_records(tmp_path)
    table = rank_diagram_table(rows)
    assert table.drop(columns="rank").to_numpy().tolist() == [
        ["sem-liu24", 4, ""],
        ["rem-fu22", 4, ""],
        ["em-fu22", 4, ""],
        ["cuda-sadasivan23", 3, ""],
    ]
    assert table["rank"].tolist()[:3] == [1.0, 2.0, 3.0]
    assert np.isnan(table["rank"][3])
    figure = plots.rank_diagram(rows)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["sem-liu24", "rem-fu22", "em-fu22"]
    words = " ".join(figure.get_supxlabel().split())
    assert words.endswith("; 1 = best protection left out (too few in common): cuda-sadasivan23")


@pytest.mark.parametrize("others", [3, 16])
def test_methods_with_cells_of_their_own_do_not_hide_those_of_the_others(
    others: int, tmp_path: Path, make_victim: Make
) -> None:
    store = Store(tmp_path)
    for seed in range(4):
        for method, value in (("em-fu22", 60.0), ("sem-liu24", 10.0)):
            store.write(make_victim(method, "resnet18", 0.0, seed, value + seed))
    for seed in range(4, 4 + others):
        for method, victim in (("rem-fu22", "resnet18"), ("tap-fowl21", "vgg16_bn")):
            store.write(make_victim(method, victim, 0.0, seed, 20.0))
    rows = load_records(tmp_path)
    assert rank_diagram_table(rows)[["method", "cells"]].to_numpy().tolist() == [
        ["sem-liu24", 4],
        ["em-fu22", 4],
        ["rem-fu22", others],
        ["tap-fowl21", others],
    ]
    words = " ".join(plots.rank_diagram(rows).get_supxlabel().split())
    assert words.endswith("left out (too few in common): rem-fu22, tap-fowl21")
    with pytest.raises(RequestError, match="fewer than two methods are finished with the same victim, radius and seed"):
        plots.rank_diagram(rows[rows["method"].isin(["sem-liu24", "rem-fu22", "tap-fowl21"])])


def test_every_two_methods_are_compared_on_all_that_they_have(tmp_path: Path, make_victim: Make) -> None:
    store = Store(tmp_path)
    for seed in range(4):
        for method, values in (("em-fu22", (20.0, 40.0)), ("sem-liu24", (20.0 + seed % 2, 10.0))):
            for victim, value in zip(("resnet18", "vgg16_bn"), values, strict=True):
                store.write(make_victim(method, victim, 0.0, seed, value))
        store.write(make_victim("rem-fu22", "resnet18", 0.0, seed, 30.0))
    groups = rank_diagram_table(load_records(tmp_path)).set_index("method")["groups"]
    assert groups.to_dict() == {"em-fu22": "", "sem-liu24": "", "rem-fu22": ""}


def test_methods_are_ranked_at_one_version_of_a_network(tmp_path: Path, make_victim: Make) -> None:
    store = Store(tmp_path)
    newer = {"inputs": {"network": "resnet18/2"}}
    for seed in range(4):
        store.write(make_victim("em-fu22", "resnet18", 0.0, seed, 20.0, cell=newer if seed else {}))
        store.write(make_victim("sem-liu24", "resnet18", 0.0, seed, 30.0, cell=newer))
    assert rank_diagram_table(load_records(tmp_path))["cells"].tolist() == [3, 3]


def test_training_curves_are_those_of_every_seed(results: Path) -> None:
    curves = load_curves(results)
    table = training_curves_table(curves, victim="resnet18", rho_a=2)
    here = table[table["method"] == "em-fu22"]
    assert sorted(set(here["seed"])) == [0, 1, 2]
    by_hand = curves[(curves["rho_a"] == 2) & (curves["method"] == "em-fu22") & (curves["victim"] == "resnet18")]
    figure = plots.training_curves(curves, victim="resnet18", rho_a=2, marks={"em-fu22": "†"})
    (panel,) = [panel for panel in figure.axes if panel.get_title() == "em-fu22† (3)"]
    for _, line in by_hand.groupby("seed"):
        assert any(np.allclose(line[["step", "accuracy"]], other, atol=1e-4) for other in drawn(panel))
    assert "† not bounded by rho_u" in figure.get_supxlabel()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_contact_sheet_shows_clean_noise_and_protected(channels: int) -> None:
    images = np.full((2, channels, 4, 4), 250, dtype=np.uint8)
    noise = np.full((2, channels, 4, 4), 8, dtype=np.int8)
    noise[1] = -8
    figure = plots.contact_sheet(images, {"em-fu22": noise, "sem-liu24": noise})
    labels = [[label.get_text() for label in panel.get_yticklabels()] for panel in figure.axes]
    assert labels == [["clean"], ["em-fu22\nnoise x16", "protected"], ["sem-liu24\nnoise x16", "protected"]]
    clean, block, _ = (np.asarray(panel.get_images()[0].get_array())[:, :, 0].astype(int) for panel in figure.axes)
    assert clean[0, [0, 5]].tolist() == [250, 250]
    assert [block[row, [0, 5]].tolist() for row in (0, 5)] == [[255, 0], [255, 242]]
    table = contact_sheet_table(np.array([3, 7]), {"em-fu22": 4}, {"em-fu22": noise})
    shown = table[["method", "seed", "image", "linf"]].to_numpy().tolist()
    assert shown == [["em-fu22", 4, 3, 8], ["em-fu22", 4, 7, 8]]
    assert np.allclose(table["l2"], 8 * (16 * channels) ** 0.5, atol=1e-4)


def test_a_contact_sheet_marks_methods_and_names_those_that_are_missing() -> None:
    images = np.full((2, 3, 4, 4), 250, dtype=np.uint8)
    noises = dict.fromkeys(["em-fu22", "ops-wu23"], np.zeros((2, 3, 4, 4), dtype=np.int8))
    plain = plots.contact_sheet(images, noises, marks={"random": "§"})
    figure = plots.contact_sheet(images, noises, marks={"ops-wu23": "†"}, left_out=["random", "tap-fowl21"])
    names = [panel.get_yticklabels()[0].get_text() for panel in figure.axes]
    assert names == ["clean", "em-fu22\nnoise x16", "ops-wu23†\nnoise x16"]
    words = " ".join(figure.get_supxlabel().split())
    assert words == "† not bounded by rho_u; left out (noise not in the cache): random, tap-fowl21"
    assert plain.get_supxlabel() == ""
    figure.draw_without_rendering()
    (note,) = [text for text in figure.texts if text.get_text()]
    lowest = min(panel.get_window_extent().y0 for panel in figure.axes)
    assert figure.bbox.y0 < note.get_window_extent().y0 < note.get_window_extent().y1 < lowest


def test_what_may_not_be_mixed_is_refused(results: Path) -> None:
    rows, curves = load_records(results), load_curves(results)
    with pytest.raises(RequestError, match="plot one at a time"):
        plots.strongest_trainer(pd.concat([rows, rows.assign(protocol="test-v2")], ignore_index=True))
    with pytest.raises(RequestError, match="plot one at a time"):
        plots.training_curves(pd.concat([curves, curves.assign(precision="bf16")]), victim="resnet18")
    with pytest.raises(RequestError, match="rerun"):
        plots.training_curves(pd.concat([curves, curves.assign(key="another")]), victim="resnet18")


@pytest.mark.parametrize(
    "draw",
    [
        lambda rows: plots.accuracy_vs_radius(rows, victim="resnet18"),
        plots.transfer_heat_map,
        lambda rows: plots.cost_vs_protection(rows, victim="resnet18"),
        lambda rows: plots.protection_share(rows, victim="resnet18"),
        plots.rank_diagram,
        plots.strongest_trainer,
        plots.training_cost,
        lambda rows: plots.countermeasure_bars(rows, victim="resnet18"),
    ],
)
def test_a_plot_of_nothing_is_refused(
    draw: Callable[[pd.DataFrame], object], tmp_path: Path, make_victim: Make
) -> None:
    failed = make_victim("clean", "resnet18", 0.0, 0, 90.0, status="failed", metrics=None, curve=())
    Store(tmp_path).write(failed)
    rows = load_records(tmp_path)
    for some in (rows, rows.iloc[:0]):
        with pytest.raises(RequestError, match="nothing to plot"):
            draw(some)
