"""A cluster's notice, SIGTERM and ten seconds, is enough to keep the state of a noise that is being made."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from bench.records.schema import Record
from bench.records.store import Store

Site = Any  # the class in conftest.py

pytestmark = pytest.mark.slow

SECONDS_OF_GRACE = 10.0
NOISE = ("--set", "methods=em", "--set", "setup.noise.steps=1500", "--only", "noise")


def noise(site: Site) -> Record:
    (found,) = Store(site.results).all()
    return found


def generation(site: Site) -> float:
    """Return how many seconds the making of the noise itself took."""
    return noise(site).costs["generation"].seconds


def test_sigterm_while_a_noise_is_made(tiny: Callable[[], Site], count: Callable[[str], None]) -> None:
    whole, site = tiny(), tiny()
    began = time.monotonic()
    whole.run(*NOISE)
    seconds, making = time.monotonic() - began, generation(whole)
    assert making > 2
    run = site.start(*NOISE)
    time.sleep(seconds - making / 2)
    os.killpg(run.pid, signal.SIGTERM)  # as a cluster does: the workers get it too
    began = time.monotonic()
    assert run.wait(SECONDS_OF_GRACE) == 130
    seconds = time.monotonic() - began
    assert len(list(site.cache.glob("unfinished/*.safetensors"))) == 1
    assert not site.outcome()
    said = site.run(*NOISE)
    assert "set aside" not in said
    assert noise(site).digests == noise(whole).digests
    count(f"SIGTERM while a noise is made: state kept after {seconds:.1f} s, the same noise after that")
