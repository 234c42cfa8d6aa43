import errno
import fcntl
import os
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.protect.output import check_output, new_folder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def write(out: Path, images: Path) -> None:
    check_output(out, images)
    with new_folder(out) as folder:
        (folder / "1.png").touch()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to("far")
    write(tmp_path / "out", tmp_path / "images")
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path / "far") == ["1.png"]


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(RequestError, match="is a file"):
        check_output(tmp_path / "out", tmp_path / "images")


def test_what_cannot_be_replaced_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "mounted").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "mounted")
    for out in (Path(), tmp_path / "mounted"):
        with pytest.raises(RequestError, match="choose a folder inside it"):
            check_output(out, tmp_path / "images")
    write(Path("inside"), tmp_path / "images")
    assert names(Path()) == ["inside"]


def test_an_empty_folder_is_tried_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_path: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    (tmp_path / "out").mkdir()
    with pytest.raises(RequestError, match=r"cannot write .*busy"), new_folder(tmp_path / "out"):
        pytest.fail("the work began")


def test_of_two_at_once_the_later_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        pytest.raises(RequestError, match="out was filled by another program meanwhile; choose another"),
        new_folder(out),
    ):
        write(out, tmp_path / "images")
    assert names(tmp_path) == ["out"]
    assert names(out) == ["1.png"]


def test_what_a_killed_run_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = {".out.backup", ".out.abcd1234", ".other.abcd1234.part"}
    for name in (".out.abcd1234.part", *kept):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    with new_folder(tmp_path / "out") as running:
        assert {path.name for path in tmp_path.iterdir()} == {running.name, *kept}
        (running / "1.png").touch()
        with new_folder(tmp_path / "out") as other:  # of a run that ends without writing anything
            assert other != running
            assert names(running) == ["1.png"]
        assert names(running) == ["1.png"]
    assert names(tmp_path / "out") == ["1.png"]


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    (tmp_path / ".out.abcd1234.part").mkdir()
    write(tmp_path / "out", tmp_path / "images")
    assert sorted(names(tmp_path)) == [".out.abcd1234.part", "out"]


def test_the_disk_has_all_files_before_the_folder_is_seen_and_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, sync = tmp_path / "out", os.sync
    seen: list[list[str]] = []

    def watched() -> None:
        seen.append(names(out))
        sync()

    monkeypatch.setattr(os, "sync", watched)
    write(out, tmp_path / "images")
    assert seen == [[], ["1.png"]]


@pytest.mark.parametrize("mode", [0o700, 0o2775, None])
def test_permissions_are_those_of_the_prepared_folder_or_of_any_new_one(tmp_path: Path, mode: int | None) -> None:
    out = tmp_path / "out"
    if mode is not None:
        out.mkdir()
        out.chmod(mode)
        with pytest.raises(KeyboardInterrupt), new_folder(out):
            raise KeyboardInterrupt
        assert out.stat().st_mode & 0o7777 == mode
    before = os.umask(0o027)
    try:
        write(out, tmp_path / "images")
    finally:
        os.umask(before)
    assert out.stat().st_mode & 0o7777 == (0o750 if mode is None else mode)
