"""Options that many commands share."""

import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from bench import __version__
from bench.cli import parser
from bench.cli.options import cache_of

PLAN = ["plan", "--grid", "smoke"]


def test_the_version_is_printed() -> None:
    words = [sys.executable, "-m", "bench", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"unlearnable-bench {__version__}\n"


def test_that_changes_can_be_repeated_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["run", "--help"])
    assert "(setup.noise.steps=20); repeatable" in " ".join(capsys.readouterr().out.split())


def test_the_cache_is_that_of_the_option_or_else_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARNABLE_BENCH_CACHE", str(tmp_path / "ours"))
    assert cache_of(parser().parse_args(PLAN)) == tmp_path / "ours"
    assert cache_of(parser().parse_args([*PLAN, "--cache", str(tmp_path / "theirs")])) == tmp_path / "theirs"
    monkeypatch.setenv("UNLEARNABLE_BENCH_CACHE", "")
    assert cache_of(parser().parse_args(PLAN)) == user_cache_path("unlearnable-bench")
