"""A task to make noise for a tiny set of images."""

from collections.abc import Callable
from types import ModuleType

import pytest

from attacks.core.emulated import has_bf16
from attacks.task import Task


@pytest.fixture
def task(literal: ModuleType, tasks: ModuleType) -> Callable[..., Task]:
    make: Callable[..., Task] = tasks.maker(literal, "cpu")
    return make


@pytest.fixture
def bf16_in_onednn() -> None:
    """Skip if the CPU lacks the fast path of frozen passes."""
    if not has_bf16():
        pytest.skip("this CPU has no bf16 in oneDNN")
