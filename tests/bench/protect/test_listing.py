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
    assert listing.hidden == (".hidden/h.png", "a/.h.png")
    assert [note.partition(": ")[2] for note in listing.notes] == ["1 (a/z.txt)", "2 (.hidden/h.png, a/.h.png)"]


def test_what_tools_leave_is_not_protected_and_its_images_are_named(tmp_path: Path) -> None:
    names = (
        "a/1.png",
        "b/1.png",
        "a/._1.png",
        "@eaDir/1.png",
        "a/@eaDir/1.png/thumb.jpg",
        "$RECYCLE.BIN/S-1/1.png",
        "b/Thumbs.db",
    )
    listing = list_images(touched(tmp_path / "in", *names), None)
    assert listing.classes == ("a", "b")
    assert [source.name for source in listing.sources] == ["a/1.png", "b/1.png"]
    assert listing.passed_over == ()
    assert listing.hidden == ("$RECYCLE.BIN/S-1/1.png", "@eaDir/1.png", "a/@eaDir/1.png/thumb.jpg")


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
        (["a/1.png", "2.png", "3.png"], r"not in a class folder of .*in: 2\.png, 3\.png; give .*--labels"),
        (["a/1.png", "b/.x.png", "c/.x.png"], "no images in .*in/b, .*in/c; add some or remove the folder"),
        (
            ["a/1.png", "b/1.HEIC", "b/2.heic", "c/x.txt"],
            r"a supported format in .*in/b, .*in/c \(3 files of .*: \.heic, \.txt\); convert them or remove the folder",
        ),
        (["a/1.heic"], r"a supported format in .*in \(1 file of another format: \.heic\); convert them \(supported: "),
        (["a/1.png", "a/2.png"], "of one class, 'a'"),
        (["a/q.jpg", "a/q.png/x.png", "b/1.png"], "a/q.jpg would become a/q.png, the folder of a/q.png/x.png; rename"),
        (["a/1.png", "a/1.jpg", "b/1.png"], "a/1.jpg and a/1.png would both become a/1.png"),
        (["a/1.png", "a/1.jpg", "b/1.gif", "b/1.png"], "become a/1.png, b/1.gif and b/1.png would both"),
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
        ("file,label\na.jpg,cat\n", "no label for 'b.png', 'sub/c.jpg'; add"),
        (
            "file,label\na.jpg,cat\nb.png,dog\nsub/c.jpg,cat\nd.jpg,cat\n",
            "names what is not an image in the folder: 'd.jpg'; did you mean 'a.jpg'",
        ),
        ("file;label\na.jpg;cat\n", "file,label .*commas, not semicolons"),
        ("file\tlabel\na.jpg\tcat\n", "file,label .*commas, not tabs"),
        ("file,label,file\na.jpg,cat,a.jpg\n", "must begin with .* file,label"),
        ("file,label\nA.JPG,cat\nb.png,dog\nsub/c.jpg,cat\n", "folder: 'A.JPG'; did you mean 'a.jpg'"),
        ("file,label\na.jpg,cat\nb.png,dog\nc.jpg,cat\n", "folder: 'c.jpg'; did you mean 'sub/c.jpg'"),
        ("file,label\na.jpg,cat\nb.png,dog\nin/sub/c.jpg,cat\n", "folder: 'in/sub/c.jpg'; did you mean 'sub/c.jpg'"),
        ("file,label\nb.png,dog\nzzz,cat\nyyy,cat\n", "folder: 'yyy', 'zzz'; remove"),
        ("file,label\n./a.jpg,cat\nb.png,dog\nsub/c.jpg,cat\n", "folder: './a.jpg'; did you mean 'a.jpg'"),
        ("file,label\na.jpg,cat\nb.png,dog\nsub\\c.jpg,cat\n", "; did you mean 'sub/c.jpg'"),
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


def test_files_of_another_format_in_a_table_are_not_said_to_be_missing(flat: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,label\na.heic,cat\na.jpg,cat\nb.png,dog\nsub/c.jpg,cat\n")
    says = r"names files that are not in a supported image format: 'a\.heic'; convert them, or remove their lines"
    with pytest.raises(RequestError, match=says):
        list_images(touched(flat, "a.heic"), table)


def test_spaces_and_case_of_a_table_do_not_count(flat: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        '\ufeff File , LABEL\n"a.jpg", "dog, black"\n b.png,\u00a0cat\nsub/c.jpg, "cat"\n\n', encoding="utf-8"
    )
    listing = list_images(flat, table)
    assert listing.classes == ("cat", "dog, black")
    assert [source.label for source in listing.sources] == [1, 0, 0]


def test_accents_are_the_same_composed_or_not(tmp_path: Path) -> None:
    root = touched(tmp_path / "in", "1.png", "2.png", "caf\u00e9.png")
    table = tmp_path / "labels.csv"
    table.write_text("file,label\n1.png,caf\u00e9\n2.png,cafe\u0301\ncaf\u00e9.png,tea\n", encoding="utf-8")
    assert list_images(root, table).classes == ("caf\u00e9", "tea")
    folders = touched(tmp_path / "folders", "caf\u00e9/1.png", "cafe\u0301/2.png", "tea/1.png")
    assert list_images(folders, None).classes == ("caf\u00e9", "tea")
    table.write_text("file,label\n1.png,a\n2.png,b\ncafe\u0301.png,a\n", encoding="utf-8")
    with pytest.raises(RequestError, match="did you mean 'caf\u00e9"):
        list_images(root, table)


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"], "train"),
        (["Train/a/1.png", "VAL/b/1.png"], "Train"),
        (["test/a/1.png", "valid/b/1.png"], "test"),
        (["training/a/1.png", "validation/b/deep/1.png", "train.txt", "notes/x.txt"], "training"),
        (["train/a/1.png", "train/b/1.png"], "train"),
        (["train/a/1.png", "test/b/1.png", "train/readme.txt"], "train"),
        (["train/a/1.png", "val/b/1.png", "unlabelled/1.png"], "train"),
        (["train/a/1.png", "train/b/1.png", "test/1.png"], "train"),
        (["train/a/1.png", "train/sheet.png", "test/a/1.png"], "train"),
        (["train/a/1.png", "test/a/1.png", "loose.png"], "train"),
    ],
)
def test_splits_are_no_classes(tmp_path: Path, names: list[str], suggested: str) -> None:
    root = touched(tmp_path / "in", *names)
    with pytest.raises(RequestError, match=f"(is a split|are splits) and not .*; give {root / suggested}$"):
        list_images(root, None)


def test_classes_may_be_called_like_splits(tmp_path: Path) -> None:
    assert list_images(touched(tmp_path / "1", "train/1.png", "test/1.png"), None).classes == ("test", "train")
    vehicles = touched(tmp_path / "2", "train/steam/1.png", "bus/red/1.png")
    assert list_images(vehicles, None).classes == ("bus", "train")
    table = tmp_path / "labels.csv"
    table.write_text("file,label\ntrain/a/1.png,a\ntest/b/1.png,b\n")
    assert list_images(touched(tmp_path / "3", "train/a/1.png", "test/b/1.png"), table).classes == ("a", "b")


def test_labels_that_are_no_text_are_refused(flat: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\xfe,cat\n")
    for path in (tmp_path / "labels.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(RequestError, match=r"cannot read .*; --labels takes a CSV file"):
            list_images(flat, path)
