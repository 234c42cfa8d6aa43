"""The command, on a small network: its printed and stored results agree, and plans know the rate afterwards."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.core import runtime
from bench.cli import main
from bench.profile import measure

WORDS = ["profile", "--victim", "resnet18-w8", "--protocol", "smoke-v1", "--device", "cpu", "--size", "16"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    monkeypatch.setattr(runtime, "_CHUNKS", {"cpu": (0, 16)})
    monkeypatch.setattr(measure, "_SIDES", {"cpu": 256})
    monkeypatch.setattr(measure, "_BYTES", {"cpu": 2**20})
    monkeypatch.setattr(measure, "BUDGET", 0.0)
    monkeypatch.setattr(measure, "STEP_BUDGET", 0.0)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("short")
def test_profile_prints_writes_and_teaches_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    assert main([*WORDS, "--threads", "1", "--cache", str(cache), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {f"profile.{end}" for end in ("csv", "json", "pdf", "png", "svg")}
    data = json.loads((out / "profile.json").read_text())
    rows = list(csv.DictReader((out / "profile.csv").read_text().splitlines()))
    assert [(row["precision"], row["kind"]) for row in rows] == [
        (precision, kind) for precision in ("fp32", "bf16") for kind in ("frozen", "training", "step")
    ]
    for row, kept in zip(rows, data["measures"], strict=True):
        assert float(row["passes_per_second"]) == pytest.approx(kept["passes_per_second"])
        assert kept["of_limit"] > 0
        assert (kept["of_limit_spread"] is None) == (kept["rounds"] == 1)
        assert row["work"] in printed
    assert 50 < data["sign_agreement"] <= 100
    assert len(json.loads((cache / "rates.json").read_text())) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--threads", "0"], "--threads"),
        (["--threads", "3000000000"], "--threads takes a whole number from 1 to 10,000, not 3000000000"),
        (["--victim", "halonet_h1", "--size", "32"], "32x32"),
        (["--out", __file__], "cannot write"),
        (["--device", "cuda:9"], "no device 'cuda:9'"),
    ],
)
def test_wrong_requests_are_one_line(
    more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "--cache", str(tmp_path), *more]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
