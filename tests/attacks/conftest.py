"""A task of making the noise of a tiny set of images."""

from collections.abc import Callable
from types import ModuleType

import pytest

from attacks.task import Task


@pytest.fixture
def task(literal: ModuleType, tasks: ModuleType) -> Callable[..., Task]:
    make: Callable[..., Task] = tasks.maker(literal, "cpu")
    return make
