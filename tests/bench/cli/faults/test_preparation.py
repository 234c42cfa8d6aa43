"""Countermeasures that learn: killed by force midway, they end with the same images."""

from collections.abc import Callable
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow
OFTEN = "d-vae"


@pytest.mark.parametrize("name", [OFTEN, "leaked-pairs", "adversarial-noise"])
def test_a_countermeasure_whose_run_is_killed_goes_on_to_the_same_victim(
    add_tiny: Callable[..., Site], count: Callable[[str], None], name: str, *, all_faults: bool
) -> None:
    if not (all_faults or name == OFTEN):
        pytest.skip("tried with --all-faults")
    lists = ("methods=random", "victims=resnet18-w8", "radii=0", f"countermeasures={name}")
    whole, site = (add_tiny(*lists, f"setup.countermeasure.{name}.steps=40") for _ in range(2))
    whole.run()
    site.kill_while_making("prepared")
    assert "starts over" not in site.run()
    assert site.outcome() == whole.outcome()
    assert not list(site.cache.glob("unfinished/*"))
    count(f"kill -9 of a runner in the middle of what {name} learns: the same victim")
