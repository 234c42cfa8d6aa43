"""Control groups, as Linux describes them inside a container and on a host."""

from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import resources
from bench.data.resources import check_memory, cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control groups of a process in the group `/a/b`; none has a limit yet."""
    monkeypatch.setattr(resources, "GROUP", tmp_path / "own")
    monkeypatch.setattr(resources, "GROUPS", tmp_path / "groups")
    (tmp_path / "own").write_text("4:memory:/other\n0::/a/b\n")
    (tmp_path / "groups" / "a" / "b").mkdir(parents=True)
    return tmp_path / "groups"


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({}, 8),
        ({"a": "max 100000\n"}, 8),
        ({"a": "200000 100000\n"}, 2),
        ({"a": "400000 100000\n", "a/b": "350000 100000\n"}, 3),
        ({".": "50000 100000\n"}, 1),
        ({"a": "9900000 100000\n"}, 8),
    ],
)
def test_cores_are_those_that_a_container_may_use(
    limits: dict[str, str], found: int, groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: set(range(8)), raising=False)
    for folder, text in limits.items():
        (groups / folder / "cpu.max").write_text(text)
    assert cores() == found


def test_memory_is_what_a_container_may_use(groups: Path) -> None:
    check_memory(10**6, "it", "shrink it")
    (groups / "a" / "b" / "memory.max").write_text("max\n")
    (groups / "a" / "memory.max").write_text("500000\n")
    check_memory(500_000, "it", "shrink it")
    with pytest.raises(RequestError, match=r"it would need 0\.0 GB; this machine has 0\.0 GB: shrink it"):
        check_memory(500_001, "it", "shrink it")


def test_a_system_without_control_groups_has_no_such_limit(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (groups / "a" / "cpu.max").write_text("100000 100000\n")
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 1}, raising=False)
    (groups.parent / "own").unlink()
    assert cores() == 2
