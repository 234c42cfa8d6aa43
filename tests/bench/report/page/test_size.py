"""How large the page of the committed records is, and how large it grows."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.records.frame import load_records
from bench.report.blocks import Material
from bench.report.claims import load_claims
from bench.report.csv import csv_text, lines_of
from bench.report.page.build import linked_files, page_text
from bench.report.page.runs import Run, Runs
from bench.report.rating import ratings
from bench.report.summary import groups
from bench.report.tables import build_tables
from bench.report.verdicts import answers


def again(run: Run, number: int, key: str) -> Run:
    """A run of another seed: another curve, another accuracy, another file."""
    seed = run.seed + 100 * number
    return replace(
        run,
        seed=seed,
        key=key,
        accuracy=run.accuracy and round(run.accuracy + number / 100, 2),
        accuracies=tuple(min(100, accuracy + number) for accuracy in run.accuracies),
        file=run.file.replace(f"-s{run.seed}-{run.key[:8]}", f"-s{seed}-{key[:8]}"),
    )


@pytest.mark.parametrize("times", [1, 2])
def test_the_committed_page_is_small_also_with_twice_the_records(pytestconfig: pytest.Config, times: int) -> None:
    results = Path(pytestconfig.rootpath) / "results"
    runs = Runs(results, results)
    frame = load_records(results, runs)
    frames, known = [frame], dict(runs.found)
    for number in range(1, times):
        keys = {key: hashlib.sha256(f"{key}{number}".encode()).hexdigest() for key in runs.found}
        frames.append(frame.assign(seed=frame["seed"] + 100 * number, key=frame["key"].map(keys)))
        known |= {keys[key]: again(run, number, keys[key]) for key, run in runs.found.items()}
    found = groups(pd.concat(frames, ignore_index=True))
    material = Material(groups=found, tables=build_tables(found), answers=answers(load_claims(results), found))
    rated = ratings(lines_of(csv_text(found, material.tables)))
    assert len(page_text(material, rated, known, linked_files(results, found)).encode()) < 300_000
