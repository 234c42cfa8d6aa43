"""The page's data: numbers and links as its script shows them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.schema import NoiseMetrics, NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.page.cards import cards

Rows = Callable[[dict[str, Any]], list[dict[str, Any]]]


def shown(record: VictimRecord, results: Path) -> dict[str, Any]:
    """Return the data of the page of one record."""
    Store(results).write(record)
    text = leaderboard.render(results)["index.html"]
    (data,) = re.findall(r'id="data">(.*?)</script>', text, flags=re.DOTALL)
    return dict(json.loads(data))


@pytest.mark.parametrize(("rho_a", "kept"), [(0.0, None), (0.5, None), (1.2345678, "r1.23457")])
def test_a_link_that_the_script_cannot_rebuild_is_kept_whole(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Rows, rho_a: float, kept: str | None
) -> None:
    record = make_victim("em-fu22", "resnet18", rho_a, 0, 20.0)
    (run,) = rows_of(shown(record, tmp_path)["runs"])
    rest = f"-s0-{record.cell.key[:8]}.json"
    assert run["file"] == (kept and f"records/synthetic/em-fu22/resnet18/{kept}{rest}")
    assert run["below"] == ""


def test_an_accuracy_is_rounded_as_its_mean_is(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Rows
) -> None:
    data = shown(make_victim("em-fu22", "resnet18", 0.0, 0, 30.025), tmp_path)  # 1,201 of 4,000
    (run,), (cell,) = rows_of(data["runs"]), rows_of(data["cells"])
    assert (run["accuracy"], cell["mean"], cell["text"]) == (30.03, 30.03, "30.03")


def test_a_measurement_beside_a_reported_number_is_marked_where_it_is_of_an_older_version(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Rows
) -> None:
    place = {"dataset": "cifar10", "protocol": "paper-v1"}
    record = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, cell={**place, "inputs": {"method": "em-fu22/1"}})
    found = {row["measured"] for row in rows_of(shown(record, tmp_path)["reported"])}
    assert found == {"\N{EN DASH}", "20.00 \N{SECTION SIGN} (n=1)"}


def test_a_card_describes_the_noises_of_the_newest_version(
    tmp_path: Path,
    make_noise: Callable[..., NoiseRecord],
    make_victim: Callable[..., VictimRecord],
    rows_of: Rows,
) -> None:
    """The victim of another network was not rerun, so its cell is still of the older version."""
    newer = {"inputs": {"method": "em-fu22/9"}}
    for linf, cell in ((8, {}), (4, newer)):
        Store(tmp_path).write(make_noise("em-fu22", 0, 1000, metrics=NoiseMetrics(linf=linf, l2_mean=300), cell=cell))
    Store(tmp_path).write(make_victim("em-fu22", "vgg16", 0.0, 0, 20.0))
    data = shown(make_victim("em-fu22", "resnet18", 0.0, 0, 10.0, cell=newer), tmp_path)
    (method,) = rows_of(data["groups"][0]["methods"])
    (place,) = (at for at, title in enumerate(data["noise_titles"]) if "largest" in title)
    assert method["noise"][place] == "4.00"


def test_a_chart_shows_clean_images_of_the_same_versions_only(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Rows
) -> None:
    newer = {"inputs": {"network": "resnet18/2"}}
    Store(tmp_path).write(make_victim("clean", "resnet18", 0.0, 0, 90.0, cell=newer))
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, cell=newer))
    data = shown(make_victim("sem-liu24", "resnet18", 0.0, 0, 10.0), tmp_path)
    found = {cell["method"]: cell["beside_clean"] for cell in rows_of(data["cells"])}
    assert found == {"clean": True, "em-fu22": True, "sem-liu24": False}


def test_older_records_and_unbounded_methods_of_all_tables_are_stated_once(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store, older = Store(tmp_path), {"inputs": {"method": "em-fu22/1"}}
    for method in ("cuda-sadasivan23", "ops-wu23"):
        store.write(make_noise(method, 0, 0, bounded=False, bound="of its own"))
        store.write(make_victim(method, "resnet18", 0.0, 0, 20.0))
    for axes in ({}, {"countermeasure": "cutout"}):
        store.write(make_victim("ops-wu23", "resnet18", 0.0, 0, 80.0, axes=axes))
        store.write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, cell=older, axes=axes))
    notes = shown(make_victim("clean", "resnet18", 0.0, 0, 90.0), tmp_path)["notes"]
    (unbounded,) = [note for note in notes if note.startswith("\N{DAGGER}")]
    (count,) = [note for note in notes if note.startswith("\N{SECTION SIGN}")]
    assert "ops-wu23" in unbounded
    assert "cuda-sadasivan23" in unbounded
    assert " 2 records " in count


def test_a_card_names_the_file_that_lists_the_differences_from_other_code(pytestconfig: pytest.Config) -> None:
    found = [text for card in cards() for text in card["about"] if text.startswith("Differences")]
    assert found
    for text in found:
        assert (Path(pytestconfig.rootpath) / text.removesuffix(".").rpartition(": see ")[2]).is_file()
