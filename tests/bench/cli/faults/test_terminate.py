"""A cluster's notice, SIGTERM and ten seconds, is enough to save the state of a noise in progress."""

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
NOISE = (
    *("--set", "methods=em", "--only", "noise"),
    *("--set", "setup.noise.steps=200", "--set", "setup.noise.sgd.lr=0.001"),  # small: so many steps would diverge
)


def noise(site: Site) -> Record | None:
    return next(Store(site.results).all(), None)


def test_sigterm_while_a_noise_is_made(tiny: Callable[[], Site], count: Callable[[str], None]) -> None:
    whole = tiny()
    began = time.monotonic()
    whole.run(*NOISE)
    wait = 0.7 * (time.monotonic() - began)
    site, graces = tiny(), []
    # until the signal comes midway: earlier there is nothing to save, and later it is done
    while not (kept := list(site.cache.glob("unfinished/*.safetensors"))):
        assert len(graces) < 10
        run = site.start(*NOISE)
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGTERM)  # as a cluster does: the workers get it too
        began = time.monotonic()
        status = run.wait(SECONDS_OF_GRACE)
        graces.append(time.monotonic() - began)
        wait *= 0.8 if status == 0 else 1.15
        if status == 0:
            site = tiny()
    assert status == 130
    assert len(kept) == 1
    assert noise(site) is None
    assert "starts over" not in site.run(*NOISE)
    assert noise(site).digests == noise(whole).digests
    assert not list(site.cache.glob("unfinished/*"))
    count(f"SIGTERM while a noise is made: state kept after {graces[-1]:.1f} s, and the same noise after that")
