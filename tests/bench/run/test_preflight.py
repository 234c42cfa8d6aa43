import os
from pathlib import Path

from bench.data import Places
from bench.run.preflight import prepare_run


def test_only_the_folders_of_records_are_cleared_of_what_killed_writes_left(tmp_path: Path, places: Places) -> None:
    """The folder of results may be any folder, e.g. one with downloads of the user's."""
    ours, theirs = tmp_path / "records" / "set" / ".a.json.x.part", tmp_path / "downloads" / ".film.part"
    for path in (ours, theirs):
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (0, 0))
    prepare_run([], tmp_path, places)
    assert (ours.exists(), theirs.exists()) == (False, True)
