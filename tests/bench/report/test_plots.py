"""Figures hold what the records say, and their tables hold what the figures show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from attacks.core.errors import RequestError
from bench.records.frame import load_curves, load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report import plots
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius_table
from bench.report.plots.contact_sheet import contact_sheet_table
from bench.report.plots.cost_vs_protection import cost_vs_protection_table
from bench.report.plots.countermeasure_bars import countermeasure_bars_table
from bench.report.plots.protection_share import UNPROTECTED, protection_share_table
from bench.report.plots.rank_diagram import rank_diagram_table
from bench.report.plots.training_curves import training_curves_table
from bench.report.plots.transfer_heat_map import transfer_heat_map_table

Make = Callable[..., VictimRecord]


def lines_of(panel: Axes) -> list[list[list[float]]]:
    return [np.asarray(line.get_xydata()).tolist() for line in panel.get_lines()]


def points_of(table: pd.DataFrame, x: str) -> list[list[float]]:
    return table[[x, "mean"]].to_numpy(dtype=float).tolist()


@pytest.fixture
def axes_records(tmp_path: Path, make_victim: Make) -> pd.DataFrame:
    """Two seeds of countermeasures and shares of one victim; accuracies tell which record is which."""
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


def test_lines_against_the_radius_are_means_with_the_range_of_few_seeds(results: Path) -> None:
    rows = load_records(results)
    table = accuracy_vs_radius_table(rows)
    sem = table[(table["method"] == "sem-liu24") & (table["victim"] == "resnet18")]
    assert points_of(sem, "rho_a") == [[0, 18.75], [2, 24.75], [4, 30.75]]
    assert np.allclose(sem["high"] - sem["mean"], 0.75)
    assert np.allclose(sem["mean"] - sem["low"], 0.75)
    panel = plots.accuracy_vs_radius(rows).axes[0]
    lines = lines_of(panel)
    resnet = table[table["victim"] == "resnet18"]
    assert all(points_of(line, "rho_a") in lines for _, line in resnet.groupby("method"))
    bars = [bar.get_segments() for bar in panel.collections if hasattr(bar, "get_segments")]
    assert any(np.allclose(bar[0], [[0, 18.0], [0, 19.5]], atol=1e-4) for bar in bars)


def test_countermeasures_and_shares_enter_no_other_mean(axes_records: pd.DataFrame) -> None:
    table = accuracy_vs_radius_table(axes_records)
    assert points_of(table, "rho_a") == [[0, 90.5], [0, 20.5], [0, 10.5]]
    heat = transfer_heat_map_table(axes_records)
    assert heat["mean"].tolist() == [90.5, 20.5, 10.5]
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


def test_a_panel_alone_is_higher(results: Path) -> None:
    rows = load_records(results)
    one, two = (plots.accuracy_vs_radius(part) for part in (rows[rows["victim"] == "resnet18"], rows))
    assert one.get_figheight() > 1.3 * two.get_figheight()


def test_the_front_holds_what_nothing_beats_in_cost_and_protection(results: Path) -> None:
    rows = load_records(results)
    table = cost_vs_protection_table(rows, rho_a=4)
    here = table[table["victim"] == "resnet18"].set_index("method")
    assert here["cost"].to_dict() == {
        "clean": 0,
        "random": 0,
        "em-fu22": 7_680_000,
        "rem-fu22": 390_000_000,
        "sem-liu24": 39_000_000,
    }
    assert here.index[here["front"]].tolist() == ["em-fu22", "sem-liu24"]
    lines = lines_of(plots.cost_vs_protection(rows, rho_a=4).axes[0])
    assert lines[0][:2] == [[7_680_000, 83.75], [39_000_000, 30.75]]
    for method in ("em-fu22", "rem-fu22", "sem-liu24"):
        assert [here.loc[method, ["cost", "mean"]].tolist()] in lines
    seconds = cost_vs_protection_table(rows, rho_a=4, device="Synthetic GPU")
    assert seconds.loc[seconds["method"] == "sem-liu24", "cost"].tolist() == [391.0, 391.0]


def test_lines_against_the_share_start_at_clean_images(axes_records: pd.DataFrame) -> None:
    table = protection_share_table(axes_records)
    lines = {str(name): points_of(line, "share") for name, line in table.groupby("method")}
    assert lines == {
        "em-fu22": [[0, 90.5], [40, 60.5], [100, 20.5]],
        UNPROTECTED: [[0, 90.5], [40, 70.5]],
    }
    drawn = lines_of(plots.protection_share(axes_records).axes[0])
    assert all(line in drawn for line in lines.values())


def test_bars_of_countermeasures_begin_with_none(axes_records: pd.DataFrame) -> None:
    table = countermeasure_bars_table(axes_records, victim="resnet18")
    assert table[["method", "countermeasure", "mean"]].to_numpy().tolist() == [
        ["clean", "standard", 90.5],
        ["clean", "cutout", 88.5],
        ["em-fu22", "standard", 20.5],
        ["em-fu22", "cutout", 30.5],
        ["em-fu22", "jpeg-10", 50.5],
    ]
    figure = plots.countermeasure_bars(axes_records, victim="resnet18")
    widths = {panel.get_title(): [bar.get_width() for bar in panel.patches] for panel in figure.axes}
    assert widths == {"clean": [90.5, 88.5], "em-fu22": [20.5, 30.5, 50.5]}


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
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 1.0))  # the others are not there
    rows = load_records(tmp_path)
    table = rank_diagram_table(rows)
    assert table.to_numpy().tolist() == [
        ["rem-fu22", 1.5, 4, "1"],
        ["sem-liu24", 1.5, 4, "1"],
        ["em-fu22", 3.0, 4, ""],
    ]
    panel = plots.rank_diagram(rows).axes[0]
    assert lines_of(panel)[:3] == [[[1.5, 0]], [[1.5, 1]], [[3, 2]]]
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
    assert figure.get_supxlabel().endswith("1 = best protection\n1 method with fewer omitted")


def test_every_two_methods_are_compared_on_all_that_they_have(tmp_path: Path, make_victim: Make) -> None:
    store = Store(tmp_path)
    for seed in range(4):
        for method, values in (("em-fu22", (20.0, 40.0)), ("sem-liu24", (20.0 + seed % 2, 10.0))):
            for victim, value in zip(("resnet18", "vgg16_bn"), values, strict=True):
                store.write(make_victim(method, victim, 0.0, seed, value))
        store.write(make_victim("rem-fu22", "resnet18", 0.0, seed, 30.0))
    groups = rank_diagram_table(load_records(tmp_path)).set_index("method")["groups"]
    assert groups.to_dict() == {"em-fu22": "", "sem-liu24": "", "rem-fu22": ""}


def test_training_curves_are_means_at_every_step(results: Path) -> None:
    curves = load_curves(results)
    curves = curves[curves["victim"] == "resnet18"]
    table = training_curves_table(curves)
    here = table[(table["rho_a"] == 0) & (table["method"] == "em-fu22")]
    by_hand = curves[(curves["rho_a"] == 0) & (curves["method"] == "em-fu22")].groupby("step")["accuracy"].mean()
    assert np.allclose(here["mean"], by_hand, atol=1e-4)
    assert points_of(here, "step") in lines_of(plots.training_curves(curves).axes[0])


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


def test_what_may_not_be_mixed_is_refused(results: Path) -> None:
    rows, curves = load_records(results), load_curves(results)
    with pytest.raises(RequestError, match="plot one at a time"):
        plots.accuracy_vs_radius(pd.concat([rows, rows.assign(protocol="test-v2")], ignore_index=True))
    with pytest.raises(RequestError, match="plot one at a time"):
        plots.training_curves(pd.concat([curves, curves.assign(precision="bf16")]))
    with pytest.raises(RequestError, match="rerun"):
        plots.training_curves(pd.concat([curves, curves.assign(key="another")]))


@pytest.mark.parametrize(
    "draw",
    [
        plots.accuracy_vs_radius,
        plots.transfer_heat_map,
        plots.cost_vs_protection,
        plots.protection_share,
        plots.rank_diagram,
        lambda rows: plots.countermeasure_bars(rows, victim="resnet18"),
    ],
)
def test_a_plot_of_nothing_is_refused(
    draw: Callable[[pd.DataFrame], object], tmp_path: Path, make_victim: Make
) -> None:
    failed = make_victim("clean", "resnet18", 0.0, 0, 90.0, status="failed", metrics=None, curve=())
    Store(tmp_path).write(failed)
    with pytest.raises(RequestError, match="nothing to plot"):
        draw(load_records(tmp_path))
