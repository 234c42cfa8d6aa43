"""The mutants of `tox -e mutants` fit the current code; only that run shows whether each fails a test."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def mutants(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    return load_file(ROOT / "tests" / "mutants.py")


def test_every_edit_changes_text_that_is_there_once(mutants: ModuleType) -> None:
    stale = [
        f"{mutant.name}: {edit.path} holds {edit.old!r} {count} times"
        for mutant in mutants.mutants()
        for edit in mutant.edits
        if (count := (ROOT / edit.path).read_text().count(edit.old)) != 1 or edit.old == edit.new
    ]
    assert not stale, "\n".join(stale)


def test_names_are_unique_and_tests_are_there(mutants: ModuleType) -> None:
    names = [mutant.name for mutant in mutants.mutants()]
    assert len(set(names)) == len(names)
    for tests in {test for mutant in mutants.mutants() for test in mutant.tests}:
        path, _, name = tests.partition("::")
        assert (ROOT / path).exists(), tests
        assert not name or f"def {name}(" in (ROOT / path).read_text(), tests
