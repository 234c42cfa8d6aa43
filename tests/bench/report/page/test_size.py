"""How large the page of the committed records is, and how fast it grows."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.records.frame import load_records
from bench.report.blocks import Material
from bench.report.claims import load_claims
from bench.report.page.build import linked_files, page_text
from bench.report.page.runs import Run, Runs
from bench.report.rating import ratings, tasks_of
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.verdicts import answers


def again(run: Run, number: int, key: str) -> Run:
    """Return a run of another seed, with another curve, accuracy and file."""
    seed = run.seed + 100 * number
    return replace(
        run,
        seed=seed,
        key=key,
        accuracy=run.accuracy and round(run.accuracy + number / 100, 2),
        accuracies=tuple(min(100, accuracy + number) for accuracy in run.accuracies),
        file=run.file.replace(f"-s{run.seed}-{run.key[:8]}", f"-s{seed}-{key[:8]}"),
    )


def size(frame: pd.DataFrame, known: dict[str, Run], results: Path) -> int:
    found = groups(frame)
    material = Material(groups=found, tables=build_tables(found), answers=answers(load_claims(results), found))
    rated = ratings(tasks_of(found))
    return len(page_text(material, rated, known, linked_files(results, found)).encode())


def test_the_committed_page_is_small_and_grows_little_with_further_seeds(pytestconfig: pytest.Config) -> None:
    results = Path(pytestconfig.rootpath) / "results"
    runs = Runs(results, results)
    frame = load_records(results, runs)
    empty = size(frame.iloc[:0], {}, results)
    assert empty < 200_000
    now = size(frame, runs.found, results)
    assert now < 300_000
    assert (now - empty) / len(runs.found) < 200  # bytes per record, with its share of a cell
    keys = {key: hashlib.sha256(key.encode()).hexdigest() for key in runs.found}
    further = frame.assign(seed=frame["seed"] + 100, key=frame["key"].map(keys))
    twice = runs.found | {keys[key]: again(run, 1, keys[key]) for key, run in runs.found.items()}
    grown = size(pd.concat([frame, further], ignore_index=True), twice, results)
    assert (grown - now) / len(keys) < 75  # bytes per record, with its curve
