import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest
from safetensors import SafetensorError

from attacks.core.errors import RequestError
from attacks.core.files import (
    file_digest,
    part_of,
    paths_below,
    remove_parts,
    set_aside,
    unreadable,
    write_atomically,
    write_whole,
)
from attacks.engine.noise import read_head


class PowerCutError(BaseException):
    pass


def write_half(path: Path, error: BaseException) -> None:
    with part_of(path) as temporary:
        temporary.write_bytes(b"new, but only ha")
        raise error


def test_the_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 5000)
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert file_digest(path) == printed.split()[0]
    with pytest.raises(RequestError, match=r"cannot read .*nothing: No such file or directory; check the path"):
        file_digest(tmp_path / "nothing")


def test_what_must_not_be_read_has_its_permissions_checked(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path))
    assert str(unreadable(tmp_path, error)) == f"cannot read {tmp_path}: Permission denied; check its permissions"


def test_a_file_is_written_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert write_atomically(path, b"one") == path
    assert write_atomically(path, b"two").read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("full"), KeyboardInterrupt(), PowerCutError()])
def test_a_crash_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_reader_sees_no_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with part_of(path) as temporary:
        temporary.write_bytes(b"whole")
        assert not path.exists()
        assert temporary.parent.parent == path.parent  # so that the rename is one step
    assert path.read_bytes() == b"whole"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RequestError, match=r"cannot write .*: File exists; choose another folder"):
        write_atomically(tmp_path / "file" / "inner", b"")


def test_damaged_files_are_set_aside_under_free_names(tmp_path: Path) -> None:
    path = tmp_path / "file"
    names = []
    for content in (b"1", b"2", b"3"):
        path.write_bytes(content)
        names.append(set_aside(path))
    assert not path.exists()
    assert [name.read_bytes() for name in names] == [b"1", b"2", b"3"]
    assert not set_aside(path).exists()  # as if another process had set it aside


def test_a_damaged_file_that_cannot_be_renamed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RequestError, match=r"cannot rename the damaged file .*: Permission denied; move it elsewhere"):
        set_aside(tmp_path / "file")


def test_what_killed_writes_have_left_is_removed_after_a_day(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in (".a.json.x1.part", ".a.json.x2.part", "a.json"))
    folder, filled = tmp_path / ".b.json.x3.part", tmp_path / ".b.json.x4.part"
    for path in (old, new, other, folder / "b.json", filled / "b.json"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for path in (old, other, folder):
        os.utime(path, (0, 0))
    remove_parts(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([new, other, filled])


def test_what_is_still_being_written_is_not_listed(tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a.json", "a.txt", "b/.3.json.x.part/3.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in paths_below(tmp_path, ".json")]
    assert found == ["a.json", "b/1.json", "b/2.json"]
    assert paths_below(tmp_path / "none", ".json") == []


def test_a_folder_that_cannot_be_listed_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "records").touch()
    with pytest.raises(RequestError, match=r"cannot read .*records: Not a directory; check the path"):
        paths_below(tmp_path / "records", ".json")


def test_a_link_to_a_folder_is_not_followed_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.json").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert paths_below(tmp_path, ".json") == [tmp_path / "a" / "1.json"]
    (line,) = caplog.messages
    assert line.startswith(f"skipped {tmp_path}/a/loop: it is a link to a folder")


def test_a_file_that_safetensors_cannot_open_is_not_called_missing(tmp_path: Path) -> None:
    path = tmp_path / "noise.safetensors"
    path.symlink_to(path)
    with pytest.raises(RequestError, match=r"cannot read the noise file .*: Too many levels of symbolic links; check"):
        read_head(path)
    path.unlink()
    with pytest.raises(RequestError, match=r"cannot read the noise file .*: No such file or directory; check"):
        read_head(path)


def test_a_file_system_without_permissions_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    assert write_atomically(tmp_path / "file", b"one").read_bytes() == b"one"


def test_files_are_listed_and_cleared_away_while_others_are_written(tmp_path: Path) -> None:
    """Writing makes and removes a temporary folder each time."""
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            write_atomically(tmp_path / "deep" / "x.json", b"{}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(1000):
            assert len(paths_below(tmp_path, ".json")) <= 1
            remove_parts(tmp_path)
    finally:
        done.set()
        writer.join()


def test_what_others_write_in_a_file_of_tensors_is_cleared_away_with_it(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.with_name(".tmp1").touch()  # safetensors does this and leaves the file if killed
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with pytest.raises(RequestError, match=r"cannot write .*: I/O error: No space left on device .*; free some space"):
        write_whole(tmp_path / "file", write)
    assert list(tmp_path.iterdir()) == []
