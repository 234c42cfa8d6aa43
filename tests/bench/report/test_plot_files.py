"""Files of plots: every format and style, reproducible bytes, and legible print."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from attacks import methods
from attacks.engine.noise import Provenance, digest, save_noise
from bench.cli import main
from bench.data import Dataset, Places, entry
from bench.records.frame import load_records
from bench.records.noise_cache import noise_file
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import plots
from bench.report.claims import Claims
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius_table
from bench.report.plots.cells import marks_of
from bench.report.plots.claims_forest import pages_of
from bench.report.plots.contact_sheets import contact_sheets
from bench.report.plots.plot_all import plot_all
from bench.report.plots.save import save
from bench.report.plots.strongest_trainer import strongest_trainer_table
from bench.report.plots.style import look
from bench.report.summary import groups
from bench.report.verdicts import Answer, answers

SIGNATURES = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG", "csv": b"method,"}
COLUMNS = {"default": 3.3, "iclr": 5.5, "neurips": 5.5, "cvpr": 3.25, "icml": 3.25, "aaai": 3.3}
METHODS = (
    "clean",
    "random",
    "em-fu22",
    "em-fu22-aligned",
    "em-huang21",
    "em-huang21-classwise",
    "rem-fu22",
    "sem-liu24",
    "tap-fowl21",
    "lsp-yu22",
    "ar-sandoval22",
    "ops-wu23",
    "cuda-sadasivan23",
)
VICTIMS = ("resnet18", "vgg16_bn", "densenet121", "vit_small_patch16_224", "mobilenetv2_100", "wide_resnet50_2")
COUNTERMEASURES = ("standard", "cutmix", "gaussian-blur", "jpeg-10", "orthogonal-projection")


def test_every_plot_comes_with_its_numbers_and_a_missing_one_with_its_reason(
    results: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[Path] = Counter()
    read = Store.open

    def counted(store: Store, path: Path) -> object:
        opened[path] += 1
        return read(store, path)

    monkeypatch.setattr(Store, "open", counted)
    written = list(plot_all(results, tmp_path, ("png",)))
    assert opened == dict.fromkeys(Store(results).files(), 1)
    names = {"strongest_trainer", "rank_diagram"}
    names |= {f"transfer_heat_map-r{radius}" for radius in (0, 2, 4)}
    for victim in ("resnet18", "vgg16_bn"):
        names |= {f"accuracy_vs_radius-{victim}"} | {f"training_curves-{victim}-r{radius}" for radius in (0, 2, 4)}
        names |= {f"cost_vs_protection-{victim}-r{radius}{unit}" for radius in (0, 4) for unit in ("", "-seconds")}
    assert {(path.stem, path.suffix) for path in written} == {
        (name, kind) for name in names for kind in (".png", ".csv")
    }
    assert {path.parent.name for path in written} == {"synthetic-test-v1-fp32"}
    table = accuracy_vs_radius_table(load_records(results), victim="resnet18")
    stored = pd.read_csv(written[0].with_name("accuracy_vs_radius-resnet18.csv"))
    pd.testing.assert_frame_equal(stored, table, check_dtype=False)
    group = "synthetic (dddddddd), test-v1, fp32"
    assert [record.message for record in caplog.records] == [
        f"{group}: no training_cost: fewer than two trainers of different, known cost are finished",
        f"{group}: no countermeasure_bars: no record uses a countermeasure",
        f"{group}: no protection_share: no record has partly protected images",
    ]


def test_every_format_has_the_same_bytes_twice(results: Path, tmp_path: Path) -> None:
    rows = load_records(results)
    table = strongest_trainer_table(rows)
    first, again = (plots.save(plots.strongest_trainer(rows), table, tmp_path / name / "plot") for name in ("a", "b"))
    assert [path.suffix[1:] for path in first] == list(SIGNATURES)
    for path, other in zip(first, again, strict=True):
        assert path.read_bytes().startswith(SIGNATURES[path.suffix[1:]])
        assert path.read_bytes() == other.read_bytes()
        assert b"CreationDate" not in path.read_bytes()
        assert b"dc:date" not in path.read_bytes()


@pytest.mark.parametrize("style", plots.STYLES)
@pytest.mark.parametrize("width", plots.WIDTHS)
def test_a_figure_has_the_width_of_the_paper_and_its_print_needs_no_latex(
    results: Path, style: str, width: str
) -> None:
    page = plots.Page(style, width)
    figure = plots.transfer_heat_map(load_records(results), page)
    if width == "column" or style in {"iclr", "neurips"}:
        assert figure.get_figwidth() == pytest.approx(COLUMNS[style])
    else:
        assert 2 * COLUMNS[style] < figure.get_figwidth() < 7
    with page.drawing():
        assert not mpl.rcParams["text.usetex"]
        assert findfont(FontProperties(), fallback_to_default=False).startswith(mpl.get_data_path())


@pytest.fixture(scope="module")
def crowded(results: Path) -> pd.DataFrame:
    """Rows of every method, victim and countermeasure, and of one share, with two seeds."""
    usual = {"countermeasure": "standard", "share": 100, "part": "all"}
    cells = [
        {"method": method, "victim": victim, "rho_a": rho_a, **usual}
        for method, victim, rho_a in product(METHODS, VICTIMS, (0.0, 8.0))
    ]
    cells += [
        {"method": method, "victim": "resnet18", "rho_a": 0.0, **usual, **changes}
        for method in METHODS
        for changes in [{"share": 40, "part": "unprotected" if method == "clean" else "all"}]
        + [{"countermeasure": name} for name in COUNTERMEASURES]
    ]
    template = load_records(results).query("method == 'sem-liu24'").iloc[0].to_dict()
    rows = [
        template | cell | {"seed": seed, "accuracy_final": float((7 * number + 3 * seed) % 100), "key": str(number)}
        for number, cell in enumerate(cells)
        for seed in range(2)
    ]
    frame = pd.DataFrame(rows)
    passes = {
        method: 0 if method in {"lsp-yu22", "ops-wu23"} else 4e6 * 3**number for number, method in enumerate(METHODS)
    }
    changes = {"generation_passes": frame["method"].map(passes), "train_passes": 1000 * (1 + frame["rho_a"])}
    changes |= {"noise_bounded": frame["method"] != "ops-wu23", "noise_bound": "one pixel"}
    changes |= {"generation_status": np.where(frame["method"] == "em-huang21", "budget_exhausted", "ok")}
    return frame.assign(**changes)


def some_answers(rows: pd.DataFrame) -> list[Answer]:
    """Return answers to a long-winded claim about each method, at two networks."""
    scale = {"name": "s", "title": "S", "dataset": "synthetic", "protocol": "test-v1"}
    scale |= {"victims": {"a": "resnet18", "b": "vit_small_patch16_224"}}
    words = "as its authors say in words of many letters, electroencephalographically so " * 2
    entries = [
        {
            "name": f"of-{method}",
            "source": "a paper",
            "grade": "V",
            "text": f"{method} protects {words}",
            "first": {"method": method},
            "second": {"method": "clean"},
            "says": "lower",
            "victims": ["a", "b"],
            "scales": ["s"],
        }
        for method in METHODS
    ]
    return answers(Claims.model_validate({"scale": [scale], "claim": entries}), groups(rows))


def figures(rows: pd.DataFrame, page: plots.Page) -> Iterator[Figure]:
    yield plots.accuracy_vs_radius(rows, page, victim="resnet18")
    yield plots.transfer_heat_map(rows, page, rho_a=8)
    yield plots.cost_vs_protection(rows, page, victim="resnet18")
    yield plots.protection_share(rows, page, victim="resnet18")
    yield plots.rank_diagram(rows, page)
    yield plots.countermeasure_bars(rows, page, victim="resnet18")
    yield plots.strongest_trainer(rows, page)
    yield plots.training_cost(rows, page)
    here = rows[rows["victim"] == "vit_small_patch16_224"]
    steps = [here.assign(step=step, accuracy=here["accuracy_final"]) for step in (1000, 40_000)]
    marks = marks_of(rows)
    yield plots.training_curves(pd.concat(steps), page, victim="vit_small_patch16_224", rho_a=8, marks=marks)
    yield plots.claims_forest(next(pages_of(some_answers(rows), page)), page)
    images = np.zeros((8, 3, 32, 32), dtype=np.uint8)
    yield plots.contact_sheet(images, dict.fromkeys(METHODS[2:], images.astype(np.int8)), page)


@pytest.mark.filterwarnings("error")  # a font that lacks a glyph warns
@pytest.mark.parametrize("page", [plots.Page(), plots.Page("aaai")], ids=lambda page: page.style)
def test_names_of_many_methods_and_victims_do_not_overlap_and_none_is_cut(
    crowded: pd.DataFrame, page: plots.Page
) -> None:
    for figure in figures(crowded, page):
        boxes = text_boxes(figure)
        assert len(boxes) > 8
        rows_of_legend = {round(box.y0) for legend in figure.legends for box in map(box_of, legend.get_texts())}
        assert len(rows_of_legend) <= 2
        assert figure.get_figheight() < 9.5
        for index, (text, box, is_level) in enumerate(boxes):
            assert figure.bbox.padded(0.5).containsx(box.x0), text
            assert figure.bbox.padded(0.5).containsx(box.x1), text
            assert figure.bbox.padded(0.5).containsy(box.y0), text
            assert figure.bbox.padded(0.5).containsy(box.y1), text
            if is_level:
                assert not [other for other, place, level in boxes[:index] if level and box.overlaps(place)], text


def test_no_print_touches_the_edge_of_the_picture(crowded: pd.DataFrame, tmp_path: Path) -> None:
    """At print resolution, text is a little wider than it was laid out."""
    page = plots.Page("cvpr")
    rows = crowded[crowded["rho_a"] == 0].assign(victim="densenet121-w4", countermeasure="standard")
    path, _ = save(plots.strongest_trainer(rows, page), rows.head(), tmp_path / "a", ["png"], page)
    print_ = np.asarray(Image.open(path).convert("L")) < 200
    inside = print_[3:-3, 3:-3]
    assert inside.any()
    assert print_.sum() == inside.sum()


def box_of(text: Text) -> Bbox:
    return text.get_window_extent()


def test_every_figure_shows_how_many_seeds_and_the_marks_of_the_tables(crowded: pd.DataFrame) -> None:
    for figure in [figure for figure in figures(crowded, plots.Page()) if figure.get_supxlabel()][:-1]:
        words = " ".join(text for text, *_ in text_boxes(figure))
        assert re.search(r"\(2\)|n ?= ?\d", words)
        assert "ops-wu23†" in words
        assert "em-huang21‡" in words
        assert "† not bounded by rho_u; ‡ stopped by the step budget" in " ".join(figure.get_supxlabel().split())


@pytest.mark.parametrize(
    ("older", "marked"),
    [
        ({"victim": "resnet18", "rho_a": 0.0}, [1, 0, 1, 1, 1, 1, 1, 1]),
        ({"victim": "resnet18", "rho_a": 8.0}, [1, 1, 0, 0, 1, 0, 1, 1]),
        ({"victim": "vgg16_bn", "rho_a": 0.0}, [0, 0, 0, 0, 1, 0, 1, 1]),
        ({"countermeasure": "cutmix"}, [0, 0, 0, 0, 0, 1, 1, 1]),
        ({"share": 40}, [0, 0, 0, 1, 0, 0, 0, 0]),
    ],
    ids=str,
)
def test_a_method_is_marked_older_where_what_is_shown_is(
    crowded: pd.DataFrame, older: dict[str, object], marked: list[int]
) -> None:
    usual = {"countermeasure": "standard", "share": 100, "part": "all"}
    here = crowded["method"] == "sem-liu24"
    for field, value in (usual | older).items():
        here &= crowded[field] == value
    assert here.any()
    drawn = [figure for figure, _ in zip(figures(crowded.assign(older=here), plots.Page()), marked, strict=False)]
    words = [" ".join(text for text, *_ in text_boxes(figure)) for figure in drawn]
    assert ["sem-liu24§" in each for each in words] == list(map(bool, marked))


def test_thirty_methods_of_long_names_can_be_drawn(crowded: pd.DataFrame) -> None:
    kinds = [crowded.assign(method=crowded["method"] + f"-of-a-longer-name-{number}") for number in range(3)]
    rows = pd.concat([crowded, *kinds], ignore_index=True)
    kept = list(dict.fromkeys(rows["method"]))[:30]
    rows = rows[rows["method"].isin(kept) & rows["victim"].isin(VICTIMS[:2])]
    for figure in (
        plots.accuracy_vs_radius(rows, victim="resnet18"),
        plots.cost_vs_protection(rows, victim="resnet18"),
        plots.strongest_trainer(rows),
        plots.training_cost(rows),
    ):
        boxes = [box for _, box, _ in text_boxes(figure)]
        assert figure.get_figheight() < 12
        assert min(panel.get_position().width for panel in figure.axes) > 0.2
        assert all(figure.bbox.padded(1).containsx(end) for box in boxes for end in (box.x0, box.x1))


def text_boxes(figure: Figure) -> list[tuple[str, Bbox, bool]]:
    """Return each visible text of a figure, its box, and whether it is level or upright, so that the box is tight."""
    figure.draw_without_rendering()
    texts = figure.findobj(Text)
    outside = set()
    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            outside |= {id(tick.label1) for tick in ticks if not low <= tick.get_loc() <= high}
            outside |= {id(tick.label1) for tick in ticks if not tick.label1.get_visible()}
    shown = [text for text in texts if text.get_visible() and text.get_text() and id(text) not in outside]
    return [(text.get_text(), text.get_window_extent(), text.get_rotation() % 90 == 0) for text in shown]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = tmp_path_factory.mktemp("places")
    return Places(data=root / "data", cache=root / "cache")


@pytest.fixture(scope="module")
def patches(places: Places) -> Dataset:
    return entry("photo-patches", places).load(places)


@pytest.fixture
def sheets(
    tmp_path: Path,
    places: Places,
    patches: Dataset,
    make_noise: Callable[..., NoiseRecord],
    make_victim: Callable[..., VictimRecord],
) -> Callable[..., list[Path]]:
    """Draw the contact sheets of three methods, two seeds each, on photo-patches with the given digests.

    The cache holds all noises but SEM's; those of the seeds in `changed` differ from what was recorded. No noise has a
    bound, and all are of version 1. At the seeds in `corrected` there are also EM's noises of its present version, each
    with a result of another network at its present version, and with one at an older version.
    """

    def draw(*digests: str, changed: Sequence[int] = (), corrected: Sequence[int] = ()) -> list[Path]:
        results = Store(tmp_path / "results")
        kinds = list(product(("clean", "em-fu22", "sem-liu24"), ("1",), (0, 1)))
        kinds += [("em-fu22", str(methods.METHODS["em-fu22"].version), seed) for seed in corrected]
        for (method, version, seed), image_digest in product(kinds, digests):
            is_new = version != "1"
            content = np.full(patches.train.images.shape, 2 + seed + 4 * is_new, dtype=np.int8)
            inputs = {"dataset": "photo-patches", "inputs": {"dataset": image_digest, "method": version, "setup": "n"}}
            changes = {"cell": inputs, "digests": {"dataset": image_digest, "noise": digest(content)}}
            noise = make_noise(method, seed, 1, bound="none", bounded=False, **changes)
            results.write(noise)
            for rho_a, network in ((0.0, "vgg16_bn/1"), (4.0, "vgg16_bn/2")) if is_new else ((0.0, "resnet18/1"),):
                made = make_victim(method, network.partition("/")[0], rho_a, seed, 50.0, **changes)
                cell = made.cell.model_copy(update={"inputs": made.cell.inputs | {"network": network}})
                results.write(made.model_copy(update={"cell": cell}))
            if method != "sem-liu24":
                provenance = Provenance(name=method, dataset="photo-patches", dataset_digest=image_digest, origin={})
                stored = content + np.int8(seed in changed)
                save_noise(noise_file(places, noise.cell), stored, provenance)
        return contact_sheets(results.root, groups(load_records(results.root)), tmp_path / "plots", ("png",), places)

    return draw


def test_contact_sheets_show_the_noise_that_is_in_the_cache(
    places: Places, patches: Dataset, sheets: Callable[..., list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    written = sheets(patches.digest)
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("sem-liu24 omitted from the contact sheet of ")
    assert f"noise not in the cache {places.cache}/noise;" in line
    home = written[0].parent
    names = ["contact_sheet.png", "contact_sheet.csv", "noise/em-fu22.png", "noise/em-fu22.csv"]
    assert [path.relative_to(home).as_posix() for path in written] == names
    table = pd.read_csv(written[1])
    assert table["image"].tolist() == [number * len(patches.train.images) // 8 for number in range(8)]
    assert set(table["method"]) == {"em-fu22"}
    assert set(table["seed"]) == {0}
    assert set(table["linf"]) == {2}


def test_a_noise_of_an_older_version_is_not_shown(patches: Dataset, sheets: Callable[..., list[Path]]) -> None:
    table = pd.read_csv(sheets(patches.digest, corrected=(1,))[1])
    assert set(table["seed"]) == {1}
    assert set(table["linf"]) == {7}


def test_contact_sheets_have_marks_and_the_joint_one_says_what_it_lacks(
    tmp_path: Path,
    patches: Dataset,
    make_victim: Callable[..., VictimRecord],
    sheets: Callable[..., list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The present version of EM replaces the older one once it has a result, and not by failing."""
    figures: list[Figure] = []

    def seen(figure: Figure, *rest: Any) -> list[Path]:
        figures.append(figure)
        return save(figure, *rest)

    monkeypatch.setattr("bench.report.plots.contact_sheets.save", seen)
    inputs = {"dataset": patches.digest, "method": methods.METHODS["em-fu22"].identity}
    place = {"cell": {"dataset": "photo-patches", "inputs": inputs}, "digests": {"dataset": patches.digest}}
    failed = make_victim("em-fu22", "vgg16_bn", 0.0, 7, 0.0, status="failed", metrics=None, **place)
    Store(tmp_path / "results").write(failed)
    sheets(patches.digest)
    sheets(patches.digest, corrected=(0,))
    names = [figure.axes[1].get_yticklabels()[0].get_text() for figure in figures]
    assert names == ["em-fu22†§\nnoise x16"] * 2 + ["em-fu22†\nnoise x16"] * 2
    notes = [" ".join(figure.get_supxlabel().split()) for figure in figures]
    bound, lacking = "† not bounded by rho_u", "left out (noise not in the cache): sem-liu24"
    older = f"{bound}; § older version"
    assert notes == [f"{older}; {lacking}", older, f"{bound}; {lacking}", bound]


def test_without_the_extra_contact_sheets_are_left_out(
    patches: Dataset,
    sheets: Callable[..., list[Path]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.report.plots.contact_sheets.find_spec", lambda _name: None)
    assert sheets(patches.digest) == []
    assert "No contact sheets: they need the extra `run`; run: pip install" in caplog.text


def test_a_noise_that_is_not_the_one_recorded_is_not_shown_but_that_of_the_next_seed(
    patches: Dataset, sheets: Callable[..., list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    table = pd.read_csv(sheets(patches.digest, changed=(0,))[1])
    assert set(table["seed"]) == {1}
    assert set(table["linf"]) == {3}
    assert "em-fu22" not in caplog.text
    assert sheets(patches.digest, changed=(0, 1)) == []
    (line,) = [record.message for record in caplog.records if "em-fu22" in record.message]
    assert line.endswith("is not the noise of the record; rerun the cell or give the --cache it was made with")


def test_a_contact_sheet_lies_beside_the_other_plots_of_its_images_alone(
    tmp_path: Path, patches: Dataset, sheets: Callable[..., list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    written = sheets(patches.digest, "d" * 64)
    (group,) = [one for one in groups(load_records(tmp_path / "results")) if one.digest == patches.digest]
    assert {path.relative_to(tmp_path / "plots").parts[0] for path in written} == {group.name}
    assert group.name.startswith("photo-patches-test-v1-fp32-")
    assert "Contact sheet of photo-patches (dddddddd), test-v1, fp32 skipped: the images here differ" in caplog.text


def test_every_colour_and_marker_is_the_methods_own(results: Path) -> None:
    panel = plots.rank_diagram(load_records(results)).axes[0]
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert len(names) > 1
    lines = panel.get_lines()[: len(names)]  # the others are bars
    drawn = [(line.get_color(), line.get_marker()) for line in lines]
    assert drawn == [(look(name).color, look(name).marker) for name in names]


@pytest.mark.filterwarnings("error")
def test_one_record_and_one_method_can_be_drawn(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    store.write(make_victim("clean", "resnet18", 0.0, 0, 90.0))
    written = list(plot_all(tmp_path, tmp_path / "plots", ("png",)))
    assert {path.stem for path in written} == {"strongest_trainer", "training_curves-resnet18-r0"}
    store.write(make_victim("my-own-method", "resnet18", 0.0, 0, 100.0))
    failed = {"status": "failed", "metrics": None, "curve": ()}
    store.write(make_victim("my-own-method", "resnet18", 4.0, 0, 0.0, **failed))
    written = list(plot_all(tmp_path, tmp_path / "more", ("png",), plots.Page("icml")))
    assert {path.stem for path in written} == {"strongest_trainer", "training_curves-resnet18-r0"}


def test_nothing_finished_gives_no_plot(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    failed = make_victim("clean", "resnet18", 0.0, 0, 90.0, status="failed", metrics=None, curve=())
    Store(tmp_path).write(failed)
    assert list(plot_all(tmp_path, tmp_path / "plots")) == []
    assert main(["plot", "--results", str(tmp_path)]) == 0
    assert "nothing to plot" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "pdff"], "unknown plot format 'pdff'; did you mean 'pdf'?"),
        (["--style", "iclrr"], "unknown style 'iclrr'; did you mean 'iclr'?"),
        (["--width", "half"], "unknown width 'half'; one of: column, full"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_drawn(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["plot", "--results", str(results), "--out", str(tmp_path / "plots"), *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not (tmp_path / "plots").exists()
