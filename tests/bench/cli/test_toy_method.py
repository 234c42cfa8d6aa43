"""A method is one file: a package brings one by an entry point, and every command knows it."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

METHOD = '''
"""Noise that is one shade per class."""

from attacks.spec import Drawn, Method


def shades(task):
    return (task.labels % 3 - 1).char()[:, None, None, None].expand(task.images.shape).contiguous()


TOY = Method(
    name="toy-doe26",
    title="one shade per class",
    year=2026,
    bound="L-inf 1",
    source="this test",
    recipe=Drawn(draw=shades),
)
'''


@pytest.fixture
def toy(install: Callable[..., None]) -> None:
    """Install a package with one method."""
    install({"toy_doe26.py": METHOD}, "[unlearnable_bench.methods]\ntoy = toy_doe26:TOY\n")


@pytest.mark.usefixtures("toy")
def test_a_method_in_one_file_is_listed_planned_run_and_ranked(
    empty: SimpleNamespace, command: Callable[[list[str]], SimpleNamespace]
) -> None:
    assert "toy-doe26" in command(["list", "methods"]).out
    asked = ("--set", "methods=clean,toy-doe26", "--set", "radii=[0]")
    assert "toy-doe26/resnet18-w8/r0-s0" in empty.do("plan", *asked).out
    run = empty.run(*asked)
    assert run.status == 0, run.err
    record = empty.record("noise/*/toy-doe26/*.json").read_text()
    assert '"linf": 1.0' in record
    assert "toy-doe26" in run.out
    for name in ("leaderboard.md", "leaderboard.csv"):
        assert "toy-doe26" in (empty.results / name).read_text()
