"""Countermeasures that learn: killed by force in the middle, they come to the same images."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow
OFTEN = "d-vae"


@pytest.mark.parametrize("name", [OFTEN, "leaked-pairs", "adversarial-noise"])
@pytest.mark.usefixtures("one_core")
def test_a_countermeasure_whose_run_is_killed_goes_on_to_the_same_victim(
    add_site: Callable[..., Site],
    new_bench: Callable[[Path], Any],
    count: Callable[[str], None],
    name: str,
    *,
    all_faults: bool,
) -> None:
    if not (all_faults or name == OFTEN):
        pytest.skip("tried with --all-faults")
    lists = ("methods=random", "victims=resnet18-w8", "radii=0", f"countermeasures={name}")
    lists = (*lists, f"setup.countermeasure.{name}.steps=120")

    def grid(root: Path) -> tuple[str, ...]:
        new_bench(root)
        return ("--grid", str(root / "tiny.toml"), *(word for change in lists for word in ("--set", change)))

    whole, site = (add_site(where, grid, jobs=1) for where in ("whole", "killed"))
    whole.run()
    run = site.start()
    wait_for("prepared/**/*.lock", site.cache)
    run.kill()  # its worker finds out, keeps the state and ends
    run.communicate()
    wait_for("unfinished/*.safetensors", site.cache)
    assert not list(site.cache.glob("prepared/**/*.safetensors"))
    site.run()
    assert site.outcome() == whole.outcome()
    assert not list(site.cache.glob("unfinished/*"))
    count(f"kill -9 of a runner in the middle of what {name} learns: the same victim")


def wait_for(pattern: str, folder: Path) -> None:
    until = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert time.monotonic() < until, pattern
        time.sleep(0.02)
