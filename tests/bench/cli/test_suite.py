"""A suite from the command line: run, plan and status of its trainers, and the results."""

from pathlib import Path
from typing import Any

import pytest

Bench = Any  # the classes in conftest.py

SUITE = """
name = "duo"
title = "two trainers"
protocol = "tiny-v1.toml"
methods = ["clean", "em"]
[casts.tiny-v1]
dataset = "folder:{images}"
victims = {{ resnet = "resnet18-w8" }}
[[trainer]]
title = "standard training"
kind = "standard"
reason = "first"
victim = "resnet"
rho_a = 0
[[trainer]]
title = "bits"
kind = "image filter"
reason = "second"
victim = "resnet"
rho_a = 4
countermeasure = "bit-depth-2"
"""


@pytest.fixture
def suite(empty: Bench, images: Path) -> Path:
    path: Path = empty.root / "duo.toml"
    path.write_text(SUITE.format(images=images))
    return path


def words(bench: Bench, command: str, suite: Path, *more: str) -> list[str]:
    found: list[str] = bench.words(command, *more)
    place = found.index("--grid")
    return [*found[:place], "--suite", str(suite), *found[place + 2 :]]


def test_a_suite_runs_its_trainers_and_no_others(empty: Bench, suite: Path) -> None:
    planned = empty.carry_out(words(empty, "plan", suite, "--rows"))
    assert "duo: 6 cells of protocol tiny-v1, 6 to run" in planned.out, planned.err
    run = empty.carry_out(words(empty, "run", suite, "--set", "seeds=[1]"))
    assert run.status == 0, run.err
    victims = {
        f"dots/{method}/resnet18-w8/{of}" for method in ("clean", "em-fu22") for of in ("r0-s1", "r4-s1-bit-depth-2")
    }
    assert set(run.began) == victims | {f"dots/{method}/noise/s1" for method in ("clean", "em-fu22")}
    status = empty.carry_out(words(empty, "status", suite, "--set", "seeds=[1]"))
    assert status.status == 0
    assert "6 done" in status.out
    again = empty.carry_out(words(empty, "run", suite, "--set", "seeds=[1]", "--set", "methods=em"))
    assert not again.began


@pytest.mark.parametrize(
    ("more", "words_of"),
    [
        (["--suite", "strong-v1", "--grid", "smoke"], ["--grid", "--suite"]),
        (["--suite", "stronk-v1"], ["'strong-v1'"]),
        (["--suite", "strong-v1", "--set", "radii=[2]"], ["fixed"]),
    ],
)
def test_a_wrong_request_is_one_line(more: list[str], words_of: list[str], command: Any) -> None:
    ended = command(["plan", *more])
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert all(word in ended.err for word in words_of), ended.err


def test_suites_are_listed_with_their_reasons(command: Any) -> None:
    out = command(["list", "suites"]).out
    assert "D-VAE" in out
    assert "self-supervised" in out
