"""A small network and a method, as a user names them."""

from collections.abc import Callable

import pytest

from bench.data import Places
from bench.profile.subject import ProfileSubject, subject


@pytest.fixture
def make_subject(places: Places) -> Callable[..., ProfileSubject]:
    def make(
        victim: str = "resnet18-w8",
        method: str = "sem",
        protocol: str = "smoke-v1",
        dataset: str = "cifar10",
        size: int | None = 8,
    ) -> ProfileSubject:
        return subject(victim, method, protocol=protocol, dataset=dataset, size=size, places=places)

    return make
