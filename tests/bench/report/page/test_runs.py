import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report import leaderboard


@pytest.mark.parametrize(
    ("out", "link"),
    [
        ("results", "records/{}"),
        ("results/../results", "records/{}"),
        (".", "results/records/{}"),
        ("copy", "records/{}"),
        ("elsewhere", ""),
        ("results/below", ""),
    ],
)
def test_a_page_links_the_records_that_lie_below_it(
    tmp_path: Path, make_victim: Callable[..., VictimRecord], rows_of: Callable[..., Any], out: str, link: str
) -> None:
    record = make_victim("em-fu22", "resnet18", 0.0, 0, 20.0)
    store = Store(tmp_path / "results")
    store.write(record)
    shutil.copytree(store.root, tmp_path / "copy")
    leaderboard.write_leaderboard(store.root, tmp_path / out)
    text = (tmp_path / out / "index.html").read_text()
    (data,) = (json.loads(found) for found in re.findall(r'id="data">(.*?)</script>', text, flags=re.DOTALL))
    (run,) = rows_of(data["runs"])
    name = store.path(record.cell).relative_to(store.root).as_posix()
    file = "" if run["below"] is None else run["below"] + (name if run["file"] is None else run["file"])
    assert file == link.format(store.path(record.cell).relative_to(store.root / "records"))
    assert not file or (tmp_path / out / file).is_file()
    assert leaderboard.check_leaderboard(store.root, tmp_path / out) == ""
