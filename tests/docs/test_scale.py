"""The costs stated in docs/scale.md match the plan."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

from attacks.methods import METHODS
from bench.cli import parser
from bench.config.models import NoiseCell
from bench.config.suite import grids_of
from bench.data import Places
from bench.run.plan import Job, join_plans

TEXT = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")
(COMMAND,) = re.findall(r"python -m bench plan (.*)", TEXT)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, ...]:
    place = tmp_path_factory.mktemp("places")
    chosen = parser().parse_args(["plan", *shlex.split(COMMAND)])
    grids, protocol = grids_of(chosen.suite, chosen.changes)
    return tuple(join_plans(grids, protocol, Places(data=place / "data", cache=place)).jobs)


def passes(jobs: Iterable[Job]) -> int:
    return sum(job.passes.attack + job.passes.train for job in jobs)


def line(name: str, jobs: list[Job]) -> str:
    count = passes(jobs)
    hours = [round(count / rate / 3600) for rate in (100_000, 20_000, 200)]
    cells = [f"{len(jobs):,}", f"{count / 1e9:.2f} G", *(f"{hour:,}" for hour in hours)]
    return f"| {name} | {' | '.join(cells)} |"


def test_every_method_counts(jobs: tuple[Job, ...]) -> None:
    methods = {job.cell.method for job in jobs}
    assert methods == set(METHODS) - {"bait-li26"}
    assert f"{len(methods)} of them, against" in TEXT
    assert f"1/{len(methods)} of the victims" in TEXT


def test_the_table_is_that_of_the_plan(jobs: tuple[Job, ...]) -> None:
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell)]
    victims = [job for job in jobs if not isinstance(job.cell, NoiseCell)]
    table = TEXT.replace("*", "")
    for name, some in (("noises", noises), ("victims", victims), ("all", list(jobs))):
        assert line(name, some) in table


def test_the_shares_are_those_of_the_plan(jobs: tuple[Job, ...]) -> None:
    victims = [job for job in jobs if not isinstance(job.cell, NoiseCell)]
    noises = [job for job in jobs if isinstance(job.cell, NoiseCell)]

    def percent(some: Iterable[Job], of: list[Job] = victims) -> str:
        return f"{100 * passes(some) / passes(of):.0f}%"

    adversarial = percent(job for job in victims if job.cell.rho_a)
    probe = percent(job for job in victims if job.cell.training == "contrastive-probe")
    noise = percent(job for job in victims if job.cell.countermeasure == "adversarial-noise")
    eraser = percent(job for job in victims if job.cell.countermeasure == "ueraser-max")
    words = " ".join(TEXT.split())
    assert f"radii 4 and 8 takes {adversarial} of the victims' passes, the contrastive probe {probe}" in words
    assert f"adversarial noise with strong augmentation {noise}, UEraser-max {eraser}." in words
    assert f"REM takes {percent((job for job in noises if job.cell.method == 'rem-fu22'), noises)}" in words
    others = percent(job for job in victims if not job.cell.victim.startswith("resnet18"))
    assert f"they are 4 of 17 trainers and {others} of the passes" in words


def test_a_noise_takes_a_byte_per_value(jobs: tuple[Job, ...]) -> None:
    size = 50_000 * 3 * 32 * 32
    noises = sum(isinstance(job.cell, NoiseCell) for job in jobs)
    assert f"{size / 1e6:.0f} MB; {noises} of them {noises * size / 1e9:.0f} GB" in TEXT
