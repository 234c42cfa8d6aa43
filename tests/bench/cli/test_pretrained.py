"""ImageNet weights from a package, fine-tuned and probed from the command line on built-in images, offline."""

from pathlib import Path
from typing import Any

import pytest

from bench.records.schema import VictimRecord
from bench.records.store import Store
from victims.networks.weights.packaged import LITE0

TRAININGS = ("fine-tune", "fine-tune-late", "fine-tune-head", "linear-probe")
TINY = (
    *("setup.victim.pretrained.side=32", "setup.victim.evaluate_every=2"),
    *(f"setup.victim.{table}.{number}=2" for table in ("fine-tune", "linear-probe") for number in ("steps", "batch")),
)


def test_weights_of_a_package_are_tuned_and_probed_offline(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("http", "https", "all"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")  # where nothing answers
    lists = ("methods=clean", f"victims={LITE0.name}", "radii=0", f"trainings={','.join(TRAININGS)}")
    changes = [word for change in (*lists, *TINY) for word in ("--set", change)]
    folders = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    ended = command(["run", *changes, *folders, "--device", "cpu", "--jobs", "1"])
    assert ended.status == 0, ended.err
    records = {
        record.cell.training: record for record in Store(tmp_path / "results").all() if isinstance(record, VictimRecord)
    }
    assert set(records) == set(TRAININGS)
    for training, record in records.items():
        assert record.cell.label == f"photo-patches/clean/{LITE0.name}/r0-s0-{training}"
        assert record.cell.inputs["weights"] == LITE0.identity
        assert record.costs["training"].passes.attack == 0
    passes = {training: record.costs["training"].passes for training, record in records.items()}
    assert passes["fine-tune"].train == passes["fine-tune-late"].train == 4
    accuracies = {training: record.metrics.accuracy_final for training, record in records.items()}
    assert len(set(accuracies.values())) > 1, accuracies
