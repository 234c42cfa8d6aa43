import os
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.protect.listing import list_images


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    return touched(tmp_path / "flat", "a.jpg", "b.png", "sub/c.jpg")


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_folders_are_classes(tmp_path: Path) -> None:
    root = touched(tmp_path / "in", "b/x.JPG", "a/deep/y.png", "a/z.txt", "c/1.webp", ".hidden/h.png", "a/.h.png")
    listing = list_images(root, None)
    assert listing.classes == ("a", "b", "c")
    assert [(*source, source.target) for source in listing.sources] == [
        ("a/deep/y.png", 0, "a/deep/y.png"),
        ("b/x.JPG", 1, "b/x.png"),
        ("c/1.webp", 2, "c/1.png"),
    ]
    assert listing.passed_over == ("a/z.txt",)


def test_what_tools_leave_is_neither_protected_nor_listed(tmp_path: Path) -> None:
    names = ("a/1.png", "b/1.png", "@eaDir/1.png", "a/@eaDir/1.png/thumb.jpg", "$RECYCLE.BIN/S-1/1.png", "b/Thumbs.db")
    listing = list_images(touched(tmp_path / "in", *names), None)
    assert listing.classes == ("a", "b")
    assert [source.name for source in listing.sources] == ["a/1.png", "b/1.png"]
    assert listing.passed_over == ()


def test_a_linked_folder_counts(tmp_path: Path) -> None:
    touched(tmp_path / "elsewhere", "1.png")
    root = touched(tmp_path / "in", "a/1.png")
    (root / "b").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert list_images(root, None).classes == ("a", "b")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    root = touched(tmp_path / "in", "a/1.png", "b/1.png")
    os.mkfifo(root / "b/2.png")
    with pytest.raises(RequestError, match=r"b/2\.png is not a regular file; remove it"):
        list_images(root, None)


def test_labels_from_a_table(flat: Path) -> None:
    table = flat / "labels.csv"
    table.write_text("\ufefflabel,file,who\ndog,b.png,me\ncat,a.jpg,\ncat,sub/c.jpg,\n", encoding="utf-8")
    listing = list_images(flat, table)
    assert listing.classes == ("cat", "dog")
    assert [source.label for source in listing.sources] == [0, 1, 0]
    assert listing.passed_over == ()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([], "no folder"),
        (["a/x.txt"], "no images in"),
        (["a/1.png", "2.png"], "2.png is not in a class folder; .*--labels"),
        (["a/1.png", "b/x.txt"], "no images in .*b; add some"),
        (["a/1.png", "a/2.png"], "of one class, 'a'"),
        (["a/q.jpg", "a/q.png/x.png", "b/1.png"], "a/q.jpg would become a/q.png, the folder of a/q.png/x.png; rename"),
        (["a/1.png", "a/1.jpg", "b/1.png"], "a/1.jpg and a/1.png would both become a/1.png"),
    ],
)
def test_wrong_folders_are_refused(tmp_path: Path, names: list[str], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        list_images(touched(tmp_path / "in", *names), None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with .* file,label"),
        ("a.jpg,cat\nb.png,dog\nsub/c.jpg,cat\n", "must begin with .* file,label"),
        ("file,label\na.jpg,cat\nb.png,dog\n", "no label for 'sub/c.jpg'; add a line"),
        ("file,label\na.jpg,cat\n", r"no label for 'b.png' \(and 1 more\)"),
        (
            "file,label\na.jpg,cat\nb.png,dog\nsub/c.jpg,cat\nd.jpg,cat\n",
            "'d.jpg', which is not an image in the folder",
        ),
        ("file;label\na.jpg;cat\n", "file,label .*commas, not semicolons"),
        ("file,label\n./a.jpg,cat\nb.png,dog\nsub/c.jpg,cat\n", "names './a.jpg'; write 'a.jpg'"),
        ("file,label\na.jpg,cat\nb.png,dog\nsub\\c.jpg,cat\n", "; write 'sub/c.jpg'"),
        ("file,label\na.jpg,cat\na.jpg,dog\n", "line 3: 'a.jpg' is listed twice"),
        ("file,label\na.jpg,\n", "line 2: the label is missing"),
        ("file,label\n,cat\n", "line 2: the file is missing"),
        ("file,label\na.jpg,cat\nb.png,cat\nsub/c.jpg,cat\n", "of one class, 'cat'"),
        ('file,label\n"a.jpg,cat\n', "cannot read .*CSV"),
    ],
)
def test_wrong_labels_are_refused(flat: Path, tmp_path: Path, text: str, why: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(RequestError, match=why) as caught:
        list_images(flat, table)
    assert "\n" not in str(caught.value)


def test_labels_that_are_no_text_are_refused(flat: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\xfe,cat\n")
    for path in (tmp_path / "labels.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(RequestError, match=r"cannot read .*; --labels takes a CSV file"):
            list_images(flat, path)
