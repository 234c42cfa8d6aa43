from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.records.frame import load_records
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report.reruns import compare

Make = Callable[..., VictimRecord]
Frames = Callable[..., pd.DataFrame]


@pytest.fixture
def frame(tmp_path: Path, make_victim: Make) -> Frames:
    """Load accuracies by victim, one per seed."""

    def load(
        name: str, first: int = 0, inputs: Mapping[str, str] | None = None, **accuracies: Iterable[float]
    ) -> pd.DataFrame:
        store = Store(tmp_path / name)
        for victim, values in accuracies.items():
            for seed, accuracy in enumerate(values, first):
                store.write(make_victim("em-fu22", victim, 0.0, seed, accuracy, cell={"inputs": inputs or {}}))
        return load_records(store.root)

    return load


def test_a_mean_belongs_in_the_prediction_interval_of_the_published_seeds(frame: Frames) -> None:
    published = frame("old", a=(50.0, 51.0, 52.0, 53.0, 54.0), b=(20.0, 21.0, 22.0), c=(1.0, 2.0), d=(9.0, 9.0, 9.0))
    rerun = frame("new", first=5, a=(51.0, 52.0), b=(90.0,), c=(1.0,), e=(4.0,))
    found = compare(published, rerun).set_index("victim")
    assert found["agrees"].to_dict() == {"a": True, "b": False, "c": None}
    assert (found.loc["a", "published_n"], found.loc["a", "rerun_n"], found.loc["a", "rerun_mean"]) == (5, 2, 51.5)
    # two cells are judged, so each at 2.5%: the 98.75% quantile of t with 4 degrees of freedom is 3.495
    assert found.loc["a", "low"] == pytest.approx(52 - 3.4954 * 2.5**0.5 * (1 / 5 + 1 / 2) ** 0.5, abs=1e-3)


def test_a_rerun_one_image_apart_from_equal_seeds_agrees(frame: Frames) -> None:
    published = frame("old", a=(10.0, 10.0, 10.0), b=(20.0, 20.0, 20.0))
    found = compare(published, frame("new", first=3, a=(10.01,), b=(20.2,))).set_index("victim")
    assert found["agrees"].to_dict() == {"a": True, "b": False}


def test_nothing_in_common_is_an_empty_table(frame: Frames) -> None:
    assert compare(frame("old", a=(1.0, 2.0, 3.0)), frame("new", b=(1.0,))).empty


@pytest.mark.parametrize("inputs", [{"method": "em-fu22/9"}, {"engine": "9"}, {"network": "a/9"}])
def test_a_rerun_is_not_judged_by_another_version(frame: Frames, inputs: dict[str, str]) -> None:
    old, new = (50.0, 51.0, 52.0), (10.0, 11.0, 12.0)
    published, both = frame("published", a=old), frame("both", inputs=inputs, a=old)
    rerun = frame("rerun", inputs=inputs, a=new)
    assert compare(published, rerun).empty
    assert compare(both, rerun)["agrees"].tolist() == [False]


def test_honest_reruns_are_refused_as_seldom_as_stated() -> None:
    from bench.report.statistics import prediction

    random = np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        cells = random.normal(50, 5, (4, 8))  # five published seeds and three new ones of four cells
        bounds = [prediction(cell[:5].tolist(), 3, 0.05 / 4) for cell in cells]
        refused += any(not low <= cell[5:].mean() <= high for cell, (low, high) in zip(cells, bounds, strict=True))
    assert 0.03 < refused / 2000 < 0.06
