from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from attacks.errors import RequestError
from bench.records.frame import load_curves, load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius
from bench.report.plots.contact_sheet import contact_sheet
from bench.report.plots.cost_vs_protection import cost_vs_protection
from bench.report.plots.plot_all import plot_all
from bench.report.plots.save import save
from bench.report.plots.style import WIDTH, look
from bench.report.plots.training_curves import training_curves

METHODS = ("clean", "random", "em-fu22", "rem-fu22", "sem-liu24")
SIGNATURES = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}


def test_every_plot_in_every_format_and_the_same_bytes_twice(results: Path, tmp_path: Path) -> None:
    written = plot_all(results, tmp_path / "a")
    curves = {"training_curves-resnet18", "training_curves-vgg16_bn"}
    names = {"accuracy_vs_radius", "cost_vs_protection", "cost_vs_protection-seconds"} | curves
    assert {(path.stem, path.suffix) for path in written} == {
        (name, f".{kind}") for name in names for kind in SIGNATURES
    }
    for path in written:
        assert path.parent.name == "synthetic-test-v1-fp32"
        assert path.read_bytes().startswith(SIGNATURES[path.suffix[1:]])
    again = plot_all(results, tmp_path / "b", ("svg",))
    again += save(accuracy_vs_radius(load_records(results)), again[0].parent / "accuracy_vs_radius", ("pdf", "png"))
    for path in again:
        assert path.read_bytes() == (written[0].parent / path.name).read_bytes()


def test_texts_of_a_plot_do_not_overlap_and_none_is_cut(results: Path) -> None:
    rows = load_records(results)
    figures = [
        accuracy_vs_radius(rows),
        cost_vs_protection(rows),
        cost_vs_protection(rows, device="Synthetic GPU"),
        training_curves(load_curves(results)),
    ]
    for figure in figures:
        assert figure.get_figwidth() == WIDTH
        boxes = _text_boxes(figure)
        assert len(boxes) > 8
        for index, (text, box) in enumerate(boxes):
            assert figure.bbox.x0 <= box.x0, text
            assert box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0, text
            assert box.y1 <= figure.bbox.y1, text
            assert not [other for other, place in boxes[:index] if box.overlaps(place)], text


def _text_boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """What is written in a figure, and where."""
    figure.draw_without_rendering()
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for panel in figure.axes:
        texts += [panel.title, *panel.texts]
        for axis in (panel.xaxis, panel.yaxis):
            low, high = axis.get_view_interval()
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_visible() and text.get_text()]


def test_the_lines_are_the_scores(results: Path) -> None:
    panel = accuracy_vs_radius(load_records(results)).axes[0]
    lines = [[tuple(point) for point in np.asarray(line.get_xydata())] for line in panel.get_lines()]
    assert [(0, 18.75), (2, 24.75), (4, 30.75)] in lines


def test_every_method_is_labelled_directly_beside_what_it_cost(results: Path) -> None:
    panel = cost_vs_protection(load_records(results)).axes[0]
    labels = {text.get_text(): text.xy for text in panel.texts if isinstance(text, Annotation)}
    assert labels == {"em-fu22": (7.68e6, 15.75), "rem-fu22": (3.9e8, 22.75), "sem-liu24": (3.9e7, 18.75)}


def test_one_seed_one_radius_and_no_method_can_be_drawn(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    Store(tmp_path).write(make_victim("clean", "resnet18", 0.0, 0, 90.0))
    assert len(plot_all(tmp_path, tmp_path / "plots", ("png",))) == 3


def test_nothing_finished_gives_no_plot(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    failed = make_victim("clean", "resnet18", 0.0, 0, 90.0, status="failed", metrics=None, curve=())
    Store(tmp_path).write(failed)
    assert plot_all(tmp_path, tmp_path / "plots") == []
    with pytest.raises(RequestError, match="nothing to plot"):
        accuracy_vs_radius(load_records(tmp_path))


def test_an_unknown_format_is_refused_before_anything_is_drawn(results: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'pdf'"):
        plot_all(results, tmp_path / "plots", ("pdff",))
    assert not (tmp_path / "plots").exists()


def test_methods_look_different_and_always_the_same() -> None:
    assert len({look(method).color for method in METHODS}) == len(METHODS)
    assert len({look(method).marker for method in METHODS}) == len(METHODS)
    assert look("from-a-plugin") == look("from-a-plugin")
    assert look("from-a-plugin").color not in {look(method).color for method in METHODS}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_contact_sheet_shows_clean_noise_and_protected(tmp_path: Path, channels: int) -> None:
    images = np.full((2, channels, 4, 4), 250, dtype=np.uint8)
    noise = np.full((2, channels, 4, 4), 8, dtype=np.int8)
    noise[1] = -8
    figure = contact_sheet(images, {"em-fu22": noise, "sem-liu24": noise})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["em-fu22", "sem-liu24"]
    block = np.asarray(figure.axes[0].get_images()[0].get_array())
    assert [[int(block[row, column, 0]) for column in (0, 5)] for row in (0, 5, 10)] == [
        [250, 250],
        [255, 0],
        [255, 242],
    ]
    assert [path.suffix for path in save(figure, tmp_path / "sheet")] == [".pdf", ".svg", ".png"]
