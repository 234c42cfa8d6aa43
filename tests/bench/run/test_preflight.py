import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import Places
from bench.run.plan import Plan
from bench.run.preflight import check_networks, prepare_run


def test_only_the_folders_of_records_are_cleared_of_what_killed_writes_left(tmp_path: Path, places: Places) -> None:
    """The folder of results may be any folder, e.g. one with downloads of the user's."""
    ours, theirs = tmp_path / "records" / "set" / ".a.json.x.part", tmp_path / "downloads" / ".film.part"
    for path in (ours, theirs):
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (0, 0))
    prepare_run([], tmp_path, places)
    assert (ours.exists(), theirs.exists()) == (False, True)


@pytest.mark.parametrize(
    ("method", "table"),
    [("em-huang21", "alternating"), ("aue-wang24", "aue"), ("aap-wang24", "aap"), ("entf-push-wen23", "entf")],
)
def test_a_mean_of_other_channels_in_a_methods_own_table_is_refused(
    method: str, table: str, plan_of: Callable[..., Plan]
) -> None:
    def plan(mean: str) -> Plan:
        return plan_of(f"methods=em,{method}", f"setup.noise.{table}.mean={mean}")

    check_networks(plan("[0.5,0.4,0.5]").jobs)
    said = f"setup.noise.{table}.mean has 2 numbers, but the images have 3 channels; give one number, or 3"
    with pytest.raises(RequestError, match=f"^{re.escape(said)}$"):
        check_networks(plan("[0.5,0.4]").jobs)
