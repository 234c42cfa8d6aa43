from pathlib import Path

import pytest

from attacks.errors import RequestError
from attacks.files import part_of, set_aside, write_atomically


class PowerCutError(BaseException):
    pass


def write_half(path: Path, error: BaseException) -> None:
    with part_of(path) as temporary:
        temporary.write_bytes(b"new, but only ha")
        raise error


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
        assert temporary.parent == path.parent  # so that taking the name is one step
    assert path.read_bytes() == b"whole"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RequestError, match=r"cannot write .*; free some space or choose another folder"):
        write_atomically(tmp_path / "file" / "inner", b"")


def test_damaged_files_are_set_aside_under_free_names(tmp_path: Path) -> None:
    path = tmp_path / "file"
    names = []
    for content in (b"1", b"2", b"3"):
        path.write_bytes(content)
        names.append(set_aside(path))
    assert not path.exists()
    assert [name.read_bytes() for name in names] == [b"1", b"2", b"3"]
    with pytest.raises(RequestError, match=r"cannot rename the damaged .*; move it away"):
        set_aside(path)
