"""What records state about the machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.records.schema import Environment
from bench.run import environment as module
from bench.run.environment import environment

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: {model}
model name\t: Some CPU
stepping\t: 8

processor\t: 1
model name\t: Another CPU
"""


@pytest.fixture
def stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which Linux describes the processors; it does not exist yet."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(module, "CPUINFO", path)
    module._cpuinfo.cache_clear()
    yield path
    module._cpuinfo.cache_clear()


@pytest.mark.parametrize("model", [143, 173])
def test_processors_of_one_name_are_told_apart(stated: Path, model: int) -> None:
    stated.write_text(CPUINFO.format(model=model), encoding="utf-8")
    found = environment("cpu", threads=1)
    assert (found.device, found.processor) == ("Some CPU", f"family 6, model {model}, stepping 8")
    assert Environment.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    ("fields", "hardware", "place"),
    [
        ({}, "Some CPU", "Some CPU with 1 thread"),
        ({"processor": "model 143"}, "Some CPU (model 143)", "Some CPU (model 143) with 1 thread"),
        (
            {"processor": "model 143", "threads": 4},
            "Some CPU (model 143), 4 threads",
            "Some CPU (model 143) with 4 threads",
        ),
        ({"driver": "unknown", "threads": 4}, "Some CPU", "Some CPU"),
    ],
)
@pytest.mark.usefixtures("stated")
def test_threads_count_on_a_cpu(fields: dict[str, Any], hardware: str, place: str) -> None:
    found = environment("cpu", threads=1).model_copy(update={"device": "Some CPU"} | fields)
    assert (found.hardware, found.place) == (hardware, place)


def test_a_gpu_that_was_lost_has_no_name() -> None:
    assert environment("cuda:99", threads=1).device == "unknown GPU"


def test_the_checkout_is_ours_even_inside_a_hook_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = module.code.__wrapped__()
    if before == (None, None):
        pytest.skip("this is no checkout")
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert module.code.__wrapped__() == before


@pytest.mark.usefixtures("stated")
def test_a_system_that_states_nothing_leaves_it_out_of_records() -> None:
    found = environment("cpu", threads=1)
    assert found.device
    assert found.processor is None
    assert "processor" not in found.model_dump()
    assert Environment.model_validate(found.model_dump()) == found
