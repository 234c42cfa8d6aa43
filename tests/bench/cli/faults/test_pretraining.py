"""Weights that this suite trains itself: killed by force midway, they end with the same bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attacks.core.tensors import digest_of_tensors, read_tensors

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow
LONG = ("setup.victim.steps=300", "setup.victim.evaluate_every=150")


@pytest.fixture
def pretrained(add_tiny: Callable[..., Site], more: Path) -> Callable[[], Site]:
    """Make a site of a victim whose weights are first trained on other images."""
    lists = ("methods=clean", "victims=resnet18-w8.more", "radii=0")
    return lambda: add_tiny(*lists, *LONG, more=("--data", str(more)))


def weights_of(site: Site) -> dict[str, str]:
    """Return the digests of the weights by file; their record, in the same file, states times."""
    paths = (site.cache / "pretrained").rglob("*.safetensors")
    return {path.name: digest_of_tensors(read_tensors(path)[0], {}) for path in paths}


def test_a_pretraining_whose_runner_is_killed_goes_on_to_the_same_weights(
    pretrained: Callable[[], Site], count: Callable[[str], None]
) -> None:
    whole, site = pretrained(), pretrained()
    whole.run()
    site.kill_while_making("pretrained")
    assert not weights_of(site)
    assert "starts over" not in site.run()
    assert weights_of(site) == weights_of(whole) != {}
    assert site.outcome() == whole.outcome()
    assert not list(site.cache.glob("unfinished/*"))
    count("kill -9 of a runner in the middle of a pretraining: the same weights, byte by byte")
